// SPDX-License-Identifier: MIT
// The moments that a program has marked, what was made between them, and its frames.
#include <fmt/format.h>

#include <algorithm>

#include "tools/ashlar/tracking/tracking_text.hpp"

namespace ashlar::tool {

namespace {

using observe::capture_mark;

struct mark_columns {
  scale unit;
  column at{.name = "at"};
  column name{.name = "mark", .left_aligned = true};
  column live{.name = std::string("live ") + unit.name, .look = style::live};
  column made{.name = std::string("made since ") + unit.name};
  column blocks{.name = "blocks", .can_go = true};
  column lost{.name = "lost", .look = style::alarm};

  void add(const std::string& when, const std::string& shown_name, const std::string& held) {
    at.cells.push_back(when);
    name.cells.push_back(shown_name);
    live.cells.push_back(held);
  }
  void add(const period& since) {
    made.cells.push_back(format_scaled(since.live_bytes, unit));
    blocks.cells.push_back(group_digits(since.live_blocks));
    lost.cells.push_back(since.lost_blocks != 0 ? group_digits(since.lost_blocks) : "");
  }
};

period period_from(const tracking& all, std::uint32_t mark) {
  for (const period& each : all.periods)
    if (each.mark == mark) return each;
  return {.mark = mark};
}

std::string time_of(const capture_mark& mark) {
  return format_duration(mark.at_ms * std::uint64_t{1'000'000});
}

std::size_t longest_name(const report_format& format) { return format.width / 4; }

lines marks_table(const tracking& all, const report_format& format) {
  const capture& source = *all.source;
  std::uint64_t largest = all.live_bytes;
  for (const capture_mark& mark : source.marks) largest = std::max(largest, mark.live_bytes);
  mark_columns table{.unit = pick_scale(largest, format.units)};
  const std::size_t first = source.marks.size() - source.header.period_marks;
  table.add("", first == 0 ? "(start)" : fmt::format("({} earlier marks)", first), "");
  table.add(period_from(all, 0));
  for (std::size_t i = first; i < source.marks.size(); ++i) {
    const capture_mark& mark = source.marks[i];
    table.add(
        time_of(mark),
        shorten(printable(source.text(mark.name)), longest_name(format), format.glyphs().more),
        format_scaled(mark.live_bytes, table.unit));
    table.add(period_from(all, static_cast<std::uint32_t>(i + 1)));
  }
  columns drawn{table.at, table.name, table.live};
  if (!source.lacks(observe::gap_blocks)) {
    drawn.push_back(table.made);
    drawn.push_back(table.blocks);
    if (source.header.has_leaks != 0) drawn.push_back(table.lost);
  }
  fit_columns(drawn, format.width);
  lines out{header_line(drawn)};
  for (std::size_t i = 0; i < table.at.cells.size(); ++i) out.push_back(row_line(drawn, i));
  return out;
}

/// Frames have a length and may hold more from one to the next.
lines frames_line(const capture& source, const report_format& format) {
  const auto& marks = source.frame_marks;
  const line heading("FRAMES   ", style::heading);
  lines parts{line(fmt::format("{} begun", group_digits(source.header.frame_count)))};
  const line dot(fmt::format(" {} ", format.glyphs().dot), style::dim);
  if (marks.size() < 2) return flow(heading, parts, dot, format.width);
  std::vector<std::uint64_t> lengths;
  for (std::size_t i = 1; i < marks.size(); ++i)
    lengths.push_back((marks[i].at_ms - marks[i - 1].at_ms) * std::uint64_t{1'000'000});
  std::sort(lengths.begin(), lengths.end());
  const auto change =
      static_cast<double>(marks.back().live_bytes) - static_cast<double>(marks.front().live_bytes);
  const double each = change / static_cast<double>(lengths.size());
  parts.emplace_back(
      fmt::format("the last {}: {} each, {} the longest", group_digits(lengths.size()),
                  format_duration(lengths[lengths.size() / 2]), format_duration(lengths.back())));
  parts.emplace_back(
      fmt::format("{}{} live a frame", each < 0 ? "-" : "+",
                  format_size(static_cast<std::uint64_t>(each < 0 ? -each : each), format.units)));
  return flow(heading, parts, dot, format.width);
}

}  // namespace

lines marks_section(const tracking& all, const report_format& format) {
  const capture& source = *all.source;
  lines out;
  if (!source.marks.empty()) {
    lines parts{line(fmt::format("{} {}", group_digits(source.marks.size()),
                                 source.marks.size() == 1 ? "mark" : "marks"))};
    if (!source.lacks(observe::gap_blocks))
      parts.emplace_back("made since: up to the next one, still live");
    const line dot(fmt::format(" {} ", format.glyphs().dot), style::dim);
    out = flow(line("TIME MARKS   ", style::heading), parts, dot, format.width);
    append(out, marks_table(all, format));
  }
  if (source.header.frame_count != 0) append(out, frames_line(source, format));
  return out;
}

}  // namespace ashlar::tool
