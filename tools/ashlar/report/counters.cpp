// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include "tools/ashlar/report/text_report.hpp"

namespace ashlar::tool {

namespace {

line counted(std::uint64_t count, const char* what) {
  return line(fmt::format("{} {}", group_digits(count), what));
}

}  // namespace

lines counters_section(const process_report& process, const report_format& format) {
  const observe::snapshot& record = *process.record;
  const line dot(fmt::format(" {} ", format.glyphs().dot), style::dim);

  line heaps = counted(record.heaps, record.heaps == 1 ? "heap" : "heaps");
  if (record.idle_heaps > 0)
    heaps.add(fmt::format(", {} left idle", group_digits(record.idle_heaps)));
  const lines counts{
      line(fmt::format("page faults {} minor, {} major", group_digits(record.minor_faults),
                       group_digits(record.major_faults))),
      counted(record.os_calls, "OS calls for memory"), heaps,
      line("ever returned " + format_size(record.discarded, format.units))};
  lines out = flow(line("PROCESS   ", style::heading), counts, dot, format.width);

  const lines times{line(format_duration(run_time_ns(process)) + " wall"),
                    line(format_duration(record.user_ns) + " user"),
                    line(format_duration(record.system_ns) + " system")};
  append(out, flow(line("TIME      ", style::heading), times, dot, format.width));
  return out;
}

}  // namespace ashlar::tool
