// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include "tools/ashlar/report/table.hpp"
#include "tools/ashlar/report/text_report.hpp"

namespace ashlar::tool {

namespace {

using observe::snapshot;

/// Names longer than this would push the numbers away from them.
constexpr std::size_t longest_name = 24;

struct totals {
  std::uint64_t peak = 0;  // the sum of the peaks, which need not have been at the same time
  std::uint64_t live = 0;
  std::uint64_t free = 0;
  std::uint64_t processor_ns = 0;
  std::size_t processes = 0;

  void add(const snapshot& record) {
    peak += record.peak_resident;
    live += record.live;
    free += record.total_free;
    processor_ns += record.user_ns + record.system_ns;
    ++processes;
  }
};

totals totals_of(const run_report& run) {
  totals all;
  if (run.main) all.add(*run.main->record);
  for (const process_report& child : run.children) all.add(*child.record);
  return all;
}

/// The table under construction: a row for each child, then the totals.
struct child_table {
  scale unit;
  column pid{.name = "pid"};
  column name{.name = "program", .left_aligned = true};
  column wall{.name = "wall"};
  column processor{.name = "processor"};
  column peak{.name = std::string("peak ") + unit.name};
  column live{.name = "live", .look = style::live};
  column free{.name = "free", .look = style::free};

  void add_bytes(std::uint64_t peak_bytes, std::uint64_t live_bytes, std::uint64_t free_bytes) {
    peak.cells.push_back(format_scaled(peak_bytes, unit));
    live.cells.push_back(format_scaled(live_bytes, unit));
    free.cells.push_back(format_scaled(free_bytes, unit));
  }

  void add(const process_report& child, const glyph_set& glyphs) {
    const snapshot& record = *child.record;
    pid.cells.push_back(std::to_string(record.pid));
    name.cells.push_back(shorten(program_name(record), longest_name, glyphs.more));
    wall.cells.push_back(child.still_running ? "running" : format_duration(run_time_ns(child)));
    processor.cells.push_back(format_duration(record.user_ns + record.system_ns));
    add_bytes(record.peak_resident, record.live, record.total_free);
  }

  void add(const totals& all) {
    pid.cells.emplace_back("all");
    name.cells.push_back(fmt::format("{} processes", all.processes));
    wall.cells.emplace_back();
    processor.cells.push_back(format_duration(all.processor_ns));
    add_bytes(all.peak, all.live, all.free);
  }
};

}  // namespace

lines children_section(const run_report& run, const report_format& format) {
  line title("CHILDREN", style::heading);
  if (run.children.empty()) return {title.add("   none ran on ashlar")};
  const bool one = run.children.size() == 1;
  title.add(fmt::format("   {} {}", run.children.size(), one ? "process" : "processes"));
  title.add(" on ashlar; the last row counts the main process, too");

  const totals all = totals_of(run);
  child_table table{.unit = pick_scale(all.peak, format.units)};
  for (const process_report& child : run.children) table.add(child, format.glyphs());
  table.add(all);

  columns drawn{table.pid,  table.name, table.wall, table.processor,
                table.peak, table.live, table.free};
  lines out{title, header_line(drawn)};
  for (std::size_t i = 0; i < table.pid.cells.size(); ++i) out.push_back(row_line(drawn, i));
  return out;
}

}  // namespace ashlar::tool
