// SPDX-License-Identifier: MIT
#include "tools/ashlar/report/sums.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace ashlar::tool {

namespace {

std::int64_t to_signed(std::uint64_t bytes) { return static_cast<std::int64_t>(bytes); }

}  // namespace

std::int64_t unexplained_bytes(const observe::snapshot& record) {
  const std::uint64_t known = record.live + record.slack + record.free + record.cached +
                              record.metadata + record.file - record.untouched;
  return to_signed(record.resident - known);
}

std::array<sum_part, 8> resident_sum(const observe::snapshot& record) {
  return {{{"live", style::live, to_signed(record.live)},
           {"slack", style::slack, to_signed(record.slack)},
           {"free", style::free, to_signed(record.free)},
           {"cached", style::cached, to_signed(record.cached)},
           {"metadata", style::metadata, to_signed(record.metadata)},
           {"file", style::file, to_signed(record.file)},
           {"untouched", style::dim, -to_signed(record.untouched)},
           {"unexplained", style::unexplained, unexplained_bytes(record)}}};
}

std::vector<std::int64_t> round_to_sum(std::span<const double> values, std::int64_t total) {
  std::vector<std::int64_t> rounded(values.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    rounded[i] = static_cast<std::int64_t>(std::floor(values[i]));

  std::vector<std::size_t> by_fraction(values.size());
  std::iota(by_fraction.begin(), by_fraction.end(), std::size_t{0});
  const auto fraction = [&](std::size_t i) { return values[i] - std::floor(values[i]); };
  std::stable_sort(by_fraction.begin(), by_fraction.end(),
                   [&](std::size_t a, std::size_t b) { return fraction(a) > fraction(b); });

  std::int64_t missing = total - std::accumulate(rounded.begin(), rounded.end(), std::int64_t{0});
  for (const std::size_t i : by_fraction) {
    if (missing <= 0) break;
    ++rounded[i];
    --missing;
  }
  return rounded;
}

std::uint64_t live_bytes(const observe::size_class_record& record) {
  const std::uint64_t blocks = record.live_blocks * record.block_size;
  return blocks > record.slack_bytes ? blocks - record.slack_bytes : 0;
}

}  // namespace ashlar::tool
