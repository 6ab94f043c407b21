// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "tools/ashlar/report_text.hpp"
#include "tools/ashlar/sums.hpp"

namespace ashlar::tool {

namespace {

using observe::size_class_record;
using observe::snapshot;

/// Columns of the table before the bar: widths chosen so that eighty columns hold them and a bar.
constexpr std::size_t size_width = 9;
constexpr std::size_t count_width = 13;
constexpr std::size_t byte_width = 9;
constexpr std::size_t slabs_width = 8;
constexpr std::size_t percent_width = 5;
constexpr std::size_t text_width = size_width + count_width + 4 * byte_width + slabs_width + 2;

constexpr std::size_t default_rows = 20;

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

line header(const scale& unit, std::size_t bar_width, const report_format& format) {
  std::string text = pad_left("size B", size_width) + pad_left("live blocks", count_width) +
                     pad_left(fmt::format("live {}", unit.name), byte_width);
  for (const char* name : {"slack", "cached", "free"})
    text += pad_left(std::string(name) + (name[0] == 's' ? format.glyphs().about : ""), byte_width);
  text += pad_left("slabs", slabs_width) + "  " + pad_right("in use", bar_width + percent_width);
  return line(text, style::dim);
}

line draw(const row& each, const scale& unit, std::size_t bar_width, const report_format& format) {
  const glyph_set& glyphs = format.glyphs();
  const auto bytes = [&](std::uint64_t value, bool known) {
    return pad_left(known ? format_scaled(value, unit) : glyphs.nothing, byte_width);
  };
  const auto in_use = static_cast<double>(each.live + each.sums.slack_bytes);
  const auto span = static_cast<double>(each.sums.span_bytes);

  line out(pad_left(each.name, size_width));
  out.add(pad_left(group_digits(each.sums.live_blocks), count_width));
  out.add(bytes(each.live, true), style::live);
  out.add(bytes(each.sums.slack_bytes, each.sums.requests_sampled > 0), style::slack);
  out.add(bytes(each.cached, each.has_slabs), style::cached);
  out.add(bytes(each.free, each.has_slabs), style::free);
  out.add(pad_left(each.has_slabs ? group_digits(each.sums.slabs) : glyphs.nothing, slabs_width));
  out.add("  ").add(draw_bar(span > 0 ? in_use / span : 0, bar_width, glyphs, " "), style::live);
  return out.add(pad_left(format_percent(in_use, span), percent_width));
}

std::size_t width_of_bar(std::size_t width) {
  const std::size_t rest = width > text_width + percent_width ? width - text_width - percent_width : 0;
  return std::min<std::size_t>(rest, 24);
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
  const scale unit = pick_scale(largest, format.units);
  const std::size_t bar_width = width_of_bar(format.width);

  line title("SIZE CLASSES", style::heading);
  title.add(fmt::format("   {} live blocks in {} classes, {} large", group_digits(blocks),
                        used_classes(record).size(), group_digits(record.large.live_blocks)));
  lines out{title, header(unit, bar_width, format)};
  for (const row& each : rows) out.push_back(draw(each, unit, bar_width, format));
  return out;
}

}  // namespace ashlar::tool
