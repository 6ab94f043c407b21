// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include "tools/ashlar/report_text.hpp"

namespace ashlar::tool {

namespace {

line counted(std::uint64_t count, const char* what) {
  return line(fmt::format("{} {}", group_digits(count), what));
}

}  // namespace

lines counters_section(const process_report& process, const report_format& format) {
  const observe::snapshot& record = *process.record;
  const line dot(fmt::format(" {} ", format.glyphs().dot), style::dim);

  line faults("PROCESS", style::heading);
  faults.add(fmt::format("   page faults {} minor, {} major", group_digits(record.minor_faults),
                         group_digits(record.major_faults)));
  line heaps = counted(record.heaps, record.heaps == 1 ? "heap" : "heaps");
  if (record.idle_heaps > 0) heaps.add(fmt::format(", {} left idle", group_digits(record.idle_heaps)));
  const lines items{faults, counted(record.os_calls, "OS calls for memory"), heaps,
                    line("ever returned " + format_size(record.discarded, format.units))};
  lines out = flow(items, dot, "", format.width);

  line time("TIME", style::heading);
  time.add(fmt::format("      {} user", format_duration(record.user_ns)));
  const lines times{time, line(format_duration(record.system_ns) + " system"),
                    line(format_duration(run_time_ns(process)) + " wall")};
  for (line& each : flow(times, dot, "", format.width)) out.push_back(std::move(each));
  return out;
}

}  // namespace ashlar::tool
