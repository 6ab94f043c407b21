// SPDX-License-Identifier: MIT
// The sum that explains the resident set, and rounding that keeps a sum true.
//
// Eight numbers rounded one by one do not add up to their rounded total, and a reader who adds them
// finds an error that is not there. `round_to_sum` gives the missing last digits to the numbers
// with the largest fractions, so the numbers as printed add up to the total as printed.
// Threads: pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "ashlar/observe/snapshot.hpp"
#include "tools/ashlar/report/text.hpp"

namespace ashlar::tool {

/// One part of the resident set. Negative for `untouched`, which has no pages.
struct sum_part {
  const char* label;
  style look;
  std::int64_t bytes;
};

/// Returns what is resident and belongs to nothing that ashlar knows of. Negative if the record
/// claims more than is resident.
std::int64_t unexplained_bytes(const observe::snapshot& record);

/// Returns the parts in reading order. Their sum is `record.resident`, exactly.
std::array<sum_part, 8> resident_sum(const observe::snapshot& record);

/// Returns whole numbers, each `values[i]` rounded down or up, that add up to `total`.
/// Requires: `total` is the sum of `values`, rounded to the nearest whole number.
std::vector<std::int64_t> round_to_sum(std::span<const double> values, std::int64_t total);

/// Returns the bytes of live blocks as asked for: without what rounding up to the class has added.
std::uint64_t live_bytes(const observe::size_class_record& record);

}  // namespace ashlar::tool
