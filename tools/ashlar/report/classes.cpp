// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tools/ashlar/report/sums.hpp"
#include "tools/ashlar/report/table.hpp"
#include "tools/ashlar/report/text_report.hpp"

namespace ashlar::tool {

namespace {

using observe::size_class_record;
using observe::snapshot;

/// More rows than this fill the screen and hide the rest of the report.
constexpr std::size_t default_rows = 20;

/// A bar that is longer tells no more.
constexpr std::size_t longest_bar = 24;

/// One row: a size class, or the sum of those that have no row of their own.
struct row {
  std::string name;
  size_class_record sums{};  // block_size unused
  std::uint64_t live = 0;    // bytes as asked for: without slack, as in the sum
  std::uint64_t cached = 0;
  std::uint64_t free = 0;
  bool has_slabs = true;
};

row row_of(const size_class_record& record) {
  row out;
  out.name = group_digits(record.block_size);
  out.sums = record;
  out.live = live_bytes(record);
  out.cached = record.cached_blocks * record.block_size;
  out.free = record.free_blocks * record.block_size;
  return out;
}

void add_to(row& all, const size_class_record& record) {
  const row one = row_of(record);
  all.live += one.live;
  all.cached += one.cached;
  all.free += one.free;
  all.sums.slabs += record.slabs;
  all.sums.span_bytes += record.span_bytes;
  all.sums.live_blocks += record.live_blocks;
  all.sums.slack_bytes += record.slack_bytes;
  all.sums.requests_sampled += record.requests_sampled;
}

row large_row(const observe::large_record& large) {
  row out;
  out.name = "large";
  out.live = large.live_bytes;
  out.sums.live_blocks = large.live_blocks;
  out.sums.slack_bytes = large.slack_bytes;
  out.sums.span_bytes = large.span_bytes;
  out.sums.requests_sampled = large.live_blocks;
  out.has_slabs = false;
  return out;
}

std::vector<std::size_t> used_classes(const snapshot& record) {
  std::vector<std::size_t> used;
  for (std::size_t i = 0; i < record.class_count; ++i)
    if (record.classes[i].span_bytes > 0 || record.classes[i].live_blocks > 0) used.push_back(i);
  return used;
}

/// Returns the classes that get a row: the `limit` largest, or with 0 as few as hold 99 % of the
/// bytes in slabs, but no more than fill half a screen. In order of block size, so that the table
/// reads as a distribution.
std::vector<std::size_t> picked_classes(const snapshot& record, std::size_t limit) {
  std::vector<std::size_t> picked = used_classes(record);
  const auto span = [&](std::size_t i) { return record.classes[i].span_bytes; };
  std::stable_sort(picked.begin(), picked.end(), [&](auto a, auto b) { return span(a) > span(b); });

  std::uint64_t all = 0;
  for (const std::size_t i : picked) all += span(i);
  std::uint64_t held = 0;
  std::size_t count = 0;
  const std::size_t most = std::min(limit == 0 ? default_rows : limit, picked.size());
  while (count < most && (limit != 0 || held < all - all / 100)) held += span(picked[count++]);
  picked.resize(count);
  std::sort(picked.begin(), picked.end());
  return picked;
}

std::vector<row> rows_of(const snapshot& record, std::size_t limit) {
  const std::vector<std::size_t> picked = picked_classes(record, limit);
  std::vector<row> rows;
  row others;
  std::size_t other_count = 0;
  for (const std::size_t i : used_classes(record)) {
    if (std::binary_search(picked.begin(), picked.end(), i)) {
      rows.push_back(row_of(record.classes[i]));
    } else {
      add_to(others, record.classes[i]);
      ++other_count;
    }
  }
  if (other_count > 0) {
    others.name = fmt::format("{} more", other_count);
    rows.push_back(others);
  }
  if (record.large.live_blocks > 0 || record.large.span_bytes > 0)
    rows.push_back(large_row(record.large));
  return rows;
}

double share_in_use(const row& each) {
  const auto in_use = static_cast<double>(each.live + each.sums.slack_bytes);
  return each.sums.span_bytes > 0 ? in_use / static_cast<double>(each.sums.span_bytes) : 0;
}

columns columns_of(const std::vector<row>& rows, const scale& unit, const glyph_set& glyphs) {
  const std::string nothing = glyphs.nothing;
  column size{.name = "size B"};
  column blocks{.name = "live blocks"};
  column live{.name = std::string("live ") + unit.name, .look = style::live};
  column slack{.name = std::string("slack") + glyphs.about, .look = style::slack, .can_go = true};
  column cached{.name = "cached", .look = style::cached, .can_go = true};
  column free{.name = "free", .look = style::free};
  column slabs{.name = "slabs", .can_go = true};
  column in_use{.name = "in use"};
  for (const row& each : rows) {
    const observe::size_class_record& sums = each.sums;
    const bool slack_known = sums.requests_sampled > 0;
    size.cells.push_back(each.name);
    blocks.cells.push_back(group_digits(sums.live_blocks));
    live.cells.push_back(format_scaled(each.live, unit));
    slack.cells.push_back(slack_known ? format_scaled(sums.slack_bytes, unit) : nothing);
    cached.cells.push_back(each.has_slabs ? format_scaled(each.cached, unit) : nothing);
    free.cells.push_back(each.has_slabs ? format_scaled(each.free, unit) : nothing);
    slabs.cells.push_back(each.has_slabs ? group_digits(sums.slabs) : nothing);
    in_use.cells.push_back(format_percent(share_in_use(each), 1));
  }
  return {size, blocks, live, slack, cached, free, slabs, in_use};
}

lines table_of(const std::vector<row>& rows, const scale& unit, const report_format& format) {
  columns table = columns_of(rows, unit, format.glyphs());
  fit_columns(table, format.width);
  const std::size_t taken = width_of(table) + 1;
  const std::size_t bar = std::min(format.width > taken ? format.width - taken : 0, longest_bar);

  lines out{header_line(table)};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::string drawn = draw_bar(share_in_use(rows[i]), bar, format.glyphs(), " ");
    out.push_back(row_line(table, i).add(" ").add(drawn, style::live));
  }
  return out;
}

}  // namespace

lines classes_section(const snapshot& record, const report_format& format) {
  const std::vector<row> rows = rows_of(record, format.classes);
  if (rows.empty()) return {};
  std::uint64_t largest = 0;
  std::uint64_t blocks = 0;
  for (const row& each : rows) {
    largest = std::max({largest, each.live, each.cached, each.free});
    blocks += each.sums.live_blocks;
  }
  const lines counts{line(fmt::format("{} live blocks in {} classes", group_digits(blocks),
                                      used_classes(record).size())),
                     line(fmt::format("{} large", group_digits(record.large.live_blocks)))};
  const line dot(fmt::format(" {} ", format.glyphs().dot), style::dim);
  lines out = flow(line("SIZE CLASSES   ", style::heading), counts, dot, format.width);
  append(out, table_of(rows, pick_scale(largest, format.units), format));
  return out;
}

}  // namespace ashlar::tool
