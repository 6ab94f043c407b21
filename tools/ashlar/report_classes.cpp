// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tools/ashlar/report_text.hpp"
#include "tools/ashlar/sums.hpp"

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
/// bytes in slabs, but no more than fill half a screen. In order of block size, so that the table reads as a distribution.
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
  if (record.large.live_blocks > 0 || record.large.span_bytes > 0) rows.push_back(large_row(record.large));
  return rows;
}

/// One column of the table: as wide as its widest cell.
struct column {
  std::string name;
  style look;
  bool can_go;  // where the width does not suffice for all
  std::vector<std::string> cells;

  std::size_t width() const {
    std::size_t widest = visible_width(name);
    for (const std::string& cell : cells) widest = std::max(widest, visible_width(cell));
    return widest + 2;
  }
};

double share_in_use(const row& each) {
  const auto in_use = static_cast<double>(each.live + each.sums.slack_bytes);
  return each.sums.span_bytes > 0 ? in_use / static_cast<double>(each.sums.span_bytes) : 0;
}

/// Makes a column of what `cell` says of each row.
template <class Cell>
column column_of(const std::vector<row>& rows, std::string name, style look, bool can_go, Cell cell) {
  column out{std::move(name), look, can_go, {}};
  for (const row& each : rows) out.cells.push_back(cell(each));
  return out;
}

std::vector<column> columns_of(const std::vector<row>& rows, const scale& unit, const glyph_set& glyphs) {
  const auto bytes = [&](bool known, std::uint64_t value) {
    return known ? format_scaled(value, unit) : std::string(glyphs.nothing);
  };
  return {
      column_of(rows, "size B", style::plain, false, [](const row& r) { return r.name; }),
      column_of(rows, "live blocks", style::plain, false, [](const row& r) { return group_digits(r.sums.live_blocks); }),
      column_of(rows, std::string("live ") + unit.name, style::live, false, [&](const row& r) { return bytes(true, r.live); }),
      column_of(rows, std::string("slack") + glyphs.about, style::slack, true,
                [&](const row& r) { return bytes(r.sums.requests_sampled > 0, r.sums.slack_bytes); }),
      column_of(rows, "cached", style::cached, true, [&](const row& r) { return bytes(r.has_slabs, r.cached); }),
      column_of(rows, "free", style::free, false, [&](const row& r) { return bytes(r.has_slabs, r.free); }),
      column_of(rows, "slabs", style::plain, true,
                [&](const row& r) { return r.has_slabs ? group_digits(r.sums.slabs) : glyphs.nothing; }),
      column_of(rows, "in use", style::plain, false, [](const row& r) { return format_percent(share_in_use(r), 1); }),
  };
}

std::size_t width_of(const std::vector<column>& columns) {
  std::size_t width = 0;
  for (const column& each : columns) width += each.width();
  return width;
}

/// Leaves out columns from the right, of those that can go, until the rest fits.
void fit_columns(std::vector<column>& columns, std::size_t width) {
  while (width_of(columns) > width) {
    const auto last = std::find_if(columns.rbegin(), columns.rend(), [](const column& each) { return each.can_go; });
    if (last == columns.rend()) return;
    columns.erase(std::next(last).base());
  }
}

lines table_of(const std::vector<row>& rows, const scale& unit, const report_format& format) {
  const glyph_set& glyphs = format.glyphs();
  std::vector<column> columns = columns_of(rows, unit, glyphs);
  fit_columns(columns, format.width);
  const std::size_t taken = width_of(columns) + 1;
  const std::size_t bar = std::min(format.width > taken ? format.width - taken : 0, longest_bar);

  line header;
  for (const column& each : columns) header.add(pad_left(each.name, each.width()), style::dim);
  lines out{header};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    line each;
    for (const column& one : columns) each.add(pad_left(one.cells[i], one.width()), one.look);
    out.push_back(each.add(" ").add(draw_bar(share_in_use(rows[i]), bar, glyphs, " "), style::live));
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
  const lines counts{
      line(fmt::format("{} live blocks in {} classes", group_digits(blocks), used_classes(record).size())),
      line(fmt::format("{} large", group_digits(record.large.live_blocks)))};
  const line dot(fmt::format(" {} ", format.glyphs().dot), style::dim);
  lines out = flow(line("SIZE CLASSES   ", style::heading), counts, dot, format.width);
  append(out, table_of(rows, pick_scale(largest, format.units), format));
  return out;
}

}  // namespace ashlar::tool
