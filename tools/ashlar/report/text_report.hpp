// SPDX-License-Identifier: MIT
// The report as text: title, resident sum, size classes, fragmentation, counters, children.
//
// Each section is a function from the record to lines, in a file of its own; all of them obey
// `format.width`, so that no line ever wraps. Bytes are shown in one unit per section.
// Threads: pure functions.
#pragma once

#include <string>

#include "tools/ashlar/report/report.hpp"
#include "tools/ashlar/report/text.hpp"

namespace ashlar::tool {

/// Returns the whole report of a run, each line ended.
std::string write_text(const run_report& run, const report_format& format);

/// Returns the full report of one process.
lines process_section(const process_report& process, const report_format& format);

/// The title, remarks on how the process ended, and the resident set with its sum.
lines summary_section(const process_report& process, const report_format& format);

/// The table of size classes and the row of large blocks.
lines classes_section(const observe::snapshot& record, const report_format& format);

/// The map and what it means: free bytes, unused bytes, what would fit.
lines fragmentation_section(const observe::snapshot& record, const report_format& format);

/// Page faults, calls to the OS, time.
lines counters_section(const process_report& process, const report_format& format);

/// One row for each child, and totals over the main process and its children.
lines children_section(const run_report& run, const report_format& format);

}  // namespace ashlar::tool
