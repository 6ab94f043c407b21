// SPDX-License-Identifier: MIT
#include "tools/ashlar/report/text_report.hpp"

#include "tools/ashlar/tracking/tracking_text.hpp"

namespace ashlar::tool {

lines process_section(const process_report& process, const report_format& format) {
  lines all = summary_section(process, format);
  append_section(all, classes_section(*process.record, format));
  append_section(all, fragmentation_section(*process.record, format));
  append_section(all, counters_section(process, format));
  append_section(all, tracking_sections(process, format));
  return all;
}

std::string write_text(const run_report& run, const report_format& format) {
  lines all;
  if (format.each)
    for (const process_report& child : run.children)
      append_section(all, process_section(child, format));
  if (run.main) append_section(all, process_section(*run.main, format));
  if (run.children_followed) append_section(all, children_section(run, format));
  return render(all, format.color, format.width);
}

}  // namespace ashlar::tool
