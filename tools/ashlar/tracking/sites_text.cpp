// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>

#include "tools/ashlar/tracking/stack_text.hpp"
#include "tools/ashlar/tracking/tracking_text.hpp"

namespace ashlar::tool {

namespace {

using pointers = std::vector<const site_group*>;

template <class Figure>
pointers largest(const tracking& all, std::size_t limit, Figure figure) {
  pointers picked;
  for (const site_group& each : all.sites)
    if (figure(each.sums) > 0) picked.push_back(&each);
  std::stable_sort(picked.begin(), picked.end(),
                   [&](auto a, auto b) { return figure(a->sums) > figure(b->sums); });
  if (picked.size() > limit) picked.resize(limit);
  return picked;
}

template <class Figure>
std::uint64_t sum_of(const tracking& all, Figure figure) {
  std::uint64_t sum = 0;
  for (const site_group& each : all.sites) sum += figure(each.sums);
  return sum;
}

std::string share(std::uint64_t part, std::uint64_t whole) {
  return format_percent(static_cast<double>(part), static_cast<double>(whole));
}

/// The columns of numbers, with that of errors where the numbers are estimates.
columns with_error(columns numbers, const column& error, const tracking& all) {
  if (is_estimate(*all.source)) numbers.push_back(error);
  return numbers;
}

line title_of(const char* by, const std::string& remark) {
  return line("TOP SITES", style::heading).add(by, style::heading).add("   " + remark);
}

lines by_live_bytes(const tracking& all, const report_format& format) {
  const auto figure = [](const observe::capture_site& sums) { return sums.live_bytes; };
  const pointers picked = largest(all, format.top, figure);
  if (picked.empty()) return {};
  const std::uint64_t sum = sum_of(all, figure);
  const scale unit = pick_scale(figure(picked.front()->sums), format.units);
  column live{.name = std::string("live ") + unit.name, .look = style::live};
  column part{.name = "share"};
  column blocks{.name = "blocks"};
  column error{.name = "error"};
  for (const site_group* each : picked) {
    error.cells.push_back(
        error_text(*all.source, {each->sums.live_bytes, each->sums.live_excess}, format));
    live.cells.push_back(format_scaled(each->sums.live_bytes, unit));
    part.cells.push_back(share(each->sums.live_bytes, sum));
    blocks.cells.push_back(group_digits(each->sums.live_blocks));
  }
  lines out{
      title_of(" by live bytes", fmt::format("{} in {} blocks", format_size(sum, format.units),
                                             group_digits(all.live_blocks)))};
  append(out, site_rows(with_error({live, part, blocks}, error, all), picked, all, format));
  return out;
}

lines by_allocations(const tracking& all, const report_format& format) {
  const auto figure = [](const observe::capture_site& sums) { return sums.born_blocks; };
  const pointers picked = largest(all, format.top, figure);
  if (picked.empty()) return {};
  const std::uint64_t sum = sum_of(all, figure);
  std::uint64_t most = 0;
  for (const site_group* each : picked) most = std::max(most, each->sums.born_bytes);
  const scale unit = pick_scale(most, format.units);
  column made{.name = "allocations"};
  column part{.name = "share"};
  column bytes{.name = std::string("ever ") + unit.name};
  column error{.name = "error"};
  for (const site_group* each : picked) {
    error.cells.push_back(
        error_text(*all.source, {each->sums.born_bytes, each->sums.born_excess}, format));
    made.cells.push_back(group_digits(each->sums.born_blocks));
    part.cells.push_back(share(each->sums.born_blocks, sum));
    bytes.cells.push_back(format_scaled(each->sums.born_bytes, unit));
  }
  const auto ever = sum_of(all, [](const observe::capture_site& sums) { return sums.born_bytes; });
  lines out{title_of(" by allocations", fmt::format("{}, {} in all", group_digits(sum),
                                                    format_size(ever, format.units)))};
  append(out, site_rows(with_error({made, part, bytes}, error, all), picked, all, format));
  return out;
}

lines by_temporaries(const tracking& all, const report_format& format) {
  const auto figure = [](const observe::capture_site& sums) { return sums.temporary_blocks; };
  const pointers picked = largest(all, format.top, figure);
  if (picked.empty()) return {};
  column temporary{.name = "temporary"};
  column part{.name = "of its own"};
  for (const site_group* each : picked) {
    temporary.cells.push_back(group_digits(each->sums.temporary_blocks));
    part.cells.push_back(share(each->sums.temporary_blocks, each->sums.born_blocks));
  }
  lines out{title_of(" by temporary allocations",
                     fmt::format("{} in all", group_digits(sum_of(all, figure))))};
  append(out, site_rows({temporary, part}, picked, all, format));
  return out;
}

}  // namespace

lines site_rows(const columns& numbers, const pointers& sites, const tracking& all,
                const report_format& format) {
  const std::size_t taken = width_of(numbers) + 2;
  const std::size_t width = format.width - std::min(format.width, taken);
  lines out{header_line(numbers).add("  site", style::dim)};
  for (std::size_t i = 0; i < sites.size(); ++i) {
    const std::string path = all.source->tag_path(sites[i]->tag);
    std::string tag =
        path.empty() ? "" : "  <" + shorten(path, width / 3, format.glyphs().more) + ">";
    stack_view view{.width = width - std::min(width, visible_width(tag))};
    lines where = stack_lines(sites[i]->where, view, format.glyphs());
    for (std::size_t n = 0; n < where.size(); ++n) {
      line row = n == 0 ? row_line(numbers, i) : line(std::string(taken - 2, ' '));
      row.add("  ").add(where[n]);
      if (n == 0) row.add(tag, style::cached);
      out.push_back(row);
    }
  }
  return out;
}

lines sites_section(const tracking& all, const report_format& format) {
  lines out;
  append_section(out, by_live_bytes(all, format));
  append_section(out, by_allocations(all, format));
  append_section(out, by_temporaries(all, format));
  return out;
}

}  // namespace ashlar::tool
