// SPDX-License-Identifier: MIT
#include "tools/ashlar/tracking/tracking_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tools/ashlar/tracking/growth.hpp"

namespace ashlar::tool {

namespace {

constexpr const char* level_names[] = {"off", "counters", "sampled", "full", "debug"};

struct thread_columns {
  scale unit;
  column name{.name = "thread", .left_aligned = true};
  column id{.name = "id", .can_go = true};
  column made{.name = "allocations"};
  column bytes{.name = std::string("ever ") + unit.name};
  column freed{.name = "frees", .can_go = true};
  column live{.name = std::string("live ") + unit.name, .look = style::live};
  column blocks{.name = "blocks"};

  void add(const observe::capture_thread& thread, const std::string& shown_name) {
    name.cells.push_back(shown_name);
    id.cells.push_back(thread.system_id != 0 ? std::to_string(thread.system_id) : "");
    made.cells.push_back(group_digits(thread.born_blocks));
    bytes.cells.push_back(format_scaled(thread.born_bytes, unit));
    freed.cells.push_back(group_digits(thread.dead_blocks));
    live.cells.push_back(format_scaled(thread.live_bytes, unit));
    blocks.cells.push_back(group_digits(thread.live_blocks));
  }
};

std::string thread_name(const capture& source, const observe::capture_thread& thread) {
  const std::string name = printable(source.text(thread.name));
  if (thread.system_id == 0 && name.empty()) return "(late)";
  return (name.empty() ? "?" : name) + (thread.ended != 0 ? " (ended)" : "");
}

std::vector<const observe::capture_thread*> threads_of(const tracking& all) {
  std::vector<const observe::capture_thread*> used;
  for (const observe::capture_thread& thread : all.source->threads)
    if (thread.born_blocks != 0 || thread.dead_blocks != 0) used.push_back(&thread);
  std::stable_sort(used.begin(), used.end(),
                   [](auto a, auto b) { return a->born_bytes > b->born_bytes; });
  return used;
}

/// When the capture was made, if that was not at the end.
std::string moment_of(const capture& source) {
  const std::string after = format_duration(source.header.taken_ns - source.header.start_ns);
  const int number = static_cast<int>(source.header.signal);
  switch (source.header.reason) {
    case observe::capture_reason::exit: return "";
    case observe::capture_reason::request: return "as the program asked, after " + after;
    case observe::capture_reason::signal: return "at " + signal_name(number) + ", after " + after;
    case observe::capture_reason::interval: return "after " + after;
    case observe::capture_reason::crash:
    case observe::capture_reason::termination: return "as " + signal_name(number) + " ended it";
  }
  return "";
}

/// What the capture lacks, and what that means.
lines gap_lines(const capture& source, const report_format& format) {
  std::string text;
  if (source.lacks(observe::gap_blocks))
    text += "The blocks could not be looked at: what is live is known by its counts alone. ";
  if (source.lacks(observe::gap_locks))
    text += "Other threads were in the middle of a change: figures may be off by that. ";
  return text.empty() ? lines() : wrap(text, format.width);
}

lines growth_of(const process_report& process, const report_format& format) {
  if (process.grown) return growth_section(*process.grown, false, format);
  if (!format.growing) return {};
  return {
      line("GROWING   ", style::heading).add("not known: it ended before there were two captures")};
}

}  // namespace

const char* level_name(std::uint32_t level) {
  return level < std::size(level_names) ? level_names[level] : "?";
}

bool counts_every_block(const tracking& all) { return all.source->header.level >= 2; }

bool is_estimate(const capture& source) { return source.header.sample_bytes != 0; }

std::uint64_t most_sample_bytes(const capture& source) {
  return std::max(source.header.sample_bytes, source.header.most_sample_bytes);
}

std::uint64_t error_of(const capture& source, const estimate& sum) {
  const auto mean = static_cast<double>(source.header.sample_bytes);
  const auto most = static_cast<double>(most_sample_bytes(source));
  const auto bytes = static_cast<double>(sum.bytes);
  const double variance = mean * (bytes + static_cast<double>(sum.excess));
  return static_cast<std::uint64_t>(std::sqrt(std::min(variance, most * bytes)));
}

std::string error_text(const capture& source, const estimate& sum, const report_format& format) {
  if (!is_estimate(source) || sum.bytes == 0) return "";
  const double part = static_cast<double>(error_of(source, sum)) / static_cast<double>(sum.bytes);
  return fmt::format("{}{:.0f}%", format.glyphs().plus_minus, std::ceil(100 * part));
}

void append_section(lines& all, const lines& section) {
  if (section.empty()) return;
  if (!all.empty()) all.emplace_back();
  append(all, section);
}

lines threads_section(const tracking& all, const report_format& format) {
  const auto used = threads_of(all);
  if (used.empty()) return {};
  const std::size_t limit = std::max<std::size_t>(format.top, 1) * 2;
  const std::size_t shown = std::min(used.size(), limit);
  thread_columns table{.unit = pick_scale(used.front()->born_bytes, format.units)};
  for (std::size_t i = 0; i < shown; ++i) table.add(*used[i], thread_name(*all.source, *used[i]));
  columns drawn{table.name,  table.id,   table.made,  table.bytes,
                table.freed, table.live, table.blocks};
  fit_columns(drawn, format.width);
  line title("THREADS", style::heading);
  title.add(
      fmt::format("   {} {} allocated", used.size(), used.size() == 1 ? "thread" : "threads"));
  lines out{title, header_line(drawn)};
  for (std::size_t i = 0; i < shown; ++i) out.push_back(row_line(drawn, i));
  if (shown < used.size())
    out.push_back(
        line(fmt::format("  {} {} more", format.glyphs().more, used.size() - shown), style::dim));
  return out;
}

lines tracker_section(const tracking& all, const report_format& format) {
  const observe::capture_header& header = all.source->header;
  lines parts{
      line(level_name(header.level)),
      line(header.depth > 1 ? fmt::format("stacks of {} frames", header.depth) : "without stacks"),
      line(format_size(header.own_bytes, format.units) + " of its own"),
      header.lost == 0 ? line("nothing lost")
                       : line(fmt::format("{} events lost: figures of blocks are not exact",
                                          group_digits(header.lost)),
                              style::alarm)};
  if (const std::string moment = moment_of(*all.source); !moment.empty())
    parts.emplace_back("taken " + moment);
  if (header.level == 1) parts.insert(parts.begin() + 1, line("only blocks under a tag counted"));
  if (header.sample_bytes != 0)
    parts.emplace_back(
        fmt::format("a sample in {}", format_size(header.sample_bytes, format.units)));
  if (most_sample_bytes(*all.source) > header.sample_bytes)
    parts.emplace_back(fmt::format("in fast threads in up to {}",
                                   format_size(most_sample_bytes(*all.source), format.units)));
  const line dot(fmt::format(" {} ", format.glyphs().dot), style::dim);
  lines out = flow(line("TRACKER   ", style::heading), parts, dot, format.width);
  append(out, gap_lines(*all.source, format));
  if (is_estimate(*all.source))
    append(out, wrap("Figures of tags, sites and threads are estimates, each right on average; two "
                     "of three are no further off than the error beside them.",
                     format.width));
  if (header.frame_pointers_only != 0)
    append(out, wrap("Stacks follow frame pointers only: build with "
                     "-fno-omit-frame-pointer, for those that end early.",
                     format.width));
  if (!all.stale_files.empty()) {
    const std::string first = printable(file_name(all.stale_files.front()));
    append(out,
           wrap(fmt::format("{} changed or gone since: {}{}; its frames are module and offset.",
                            all.stale_files.size() == 1 ? "A file is" : "Files are", first,
                            all.stale_files.size() == 1 ? "" : " and others"),
                format.width));
  }
  return out;
}

lines tracking_sections(const process_report& process, const report_format& format) {
  if (!process.tracked) {
    if (process.untracked.empty()) return {};
    lines out;
    for (const line& each : wrap(process.untracked, format.width - 11))
      out.push_back(line(out.empty() ? "TRACKING   " : "           ", style::heading).add(each));
    return out;
  }
  const tracking& all = *process.tracked;
  lines out;
  append_section(out, said_section(all, format));
  append_section(out, tags_section(all, format));
  append_section(out, sites_section(all, format));
  append_section(out, inside_section(all, format));
  append_section(out, threads_section(all, format));
  append_section(out, marks_section(all, format));
  append_section(out, leaks_section(all, format));
  append_section(out, growth_of(process, format));
  append_section(out, tracker_section(all, format));
  return out;
}

}  // namespace ashlar::tool
