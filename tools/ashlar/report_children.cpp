// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "tools/ashlar/report_text.hpp"

namespace ashlar::tool {

namespace {

using observe::snapshot;

constexpr std::size_t pid_width = 9;
constexpr std::size_t time_width = 12;
constexpr std::size_t byte_width = 10;

struct totals {
  std::uint64_t peak = 0;  // the sum of the peaks, which need not have been at the same time
  std::uint64_t live = 0;
  std::uint64_t free = 0;
  std::uint64_t user_ns = 0;
  std::uint64_t system_ns = 0;
  std::size_t processes = 0;

  void add(const snapshot& record) {
    peak += record.peak_resident;
    live += record.live;
    free += record.total_free;
    user_ns += record.user_ns;
    system_ns += record.system_ns;
    ++processes;
  }
};

std::size_t name_width(const report_format& format) {
  const std::size_t rest = format.width - pid_width - 2 - time_width - 3 * byte_width;
  return std::min<std::size_t>(rest, 32);
}

line table_row(std::string_view pid, std::string_view name, std::string_view time,
               const std::array<std::string, 3>& bytes, const report_format& format) {
  const std::size_t columns = name_width(format);
  line out(pad_left(pid, pid_width) + "  ");
  out.add(pad_right(name, columns)).add(pad_left(time, time_width));
  for (const std::string& each : bytes) out.add(pad_left(each, byte_width));
  return out;
}

line child_row(const process_report& child, const scale& unit, const report_format& format) {
  const snapshot& record = *child.record;
  const std::array<std::string, 3> bytes{format_scaled(record.peak_resident, unit),
                                         format_scaled(record.live, unit),
                                         format_scaled(record.total_free, unit)};
  const std::string time = child.still_running ? "running" : format_duration(run_time_ns(child));
  return table_row(std::to_string(record.pid), shorten(program_name(record), name_width(format), format.glyphs().more), time, bytes, format);
}

}  // namespace

lines children_section(const run_report& run, const report_format& format) {
  line title("CHILDREN", style::heading);
  if (run.children.empty()) return {title.add("   none ran on ashlar")};
  title.add(fmt::format("   {} {} on ashlar", run.children.size(),
                        run.children.size() == 1 ? "process" : "processes"));

  totals all;
  if (run.main) all.add(*run.main->record);
  for (const process_report& child : run.children) all.add(*child.record);
  const scale unit = pick_scale(all.peak, format.units);

  lines out{title};
  const std::array<std::string, 3> names{fmt::format("peak {}", unit.name), "live", "free"};
  out.emplace_back(table_row("pid", "program", "time", names, format).render(false, format.width), style::dim);
  for (const process_report& child : run.children) out.push_back(child_row(child, unit, format));
  const std::array<std::string, 3> sums{format_scaled(all.peak, unit), format_scaled(all.live, unit),
                                        format_scaled(all.free, unit)};
  out.push_back(table_row("total", fmt::format("{} processes", all.processes),
                          format_duration(all.user_ns + all.system_ns), sums, format));
  out.emplace_back("  The total counts the main process too; its time is processor time.", style::dim);
  return out;
}

}  // namespace ashlar::tool
