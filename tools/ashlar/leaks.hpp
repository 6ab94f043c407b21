// SPDX-License-Identifier: MIT
// The verb `leaks`: what a program has lost, still holds, or holds more and more of.
#pragma once

#include "tools/ashlar/report/report.hpp"
#include "tools/ashlar/run_options.hpp"
#include "tools/ashlar/tracking/growth.hpp"

namespace ashlar::tool {

/// Looks at captures, or runs a program, and writes what leaked. Returns how the tool shall end:
/// as the program did, if that was not with exit code 0; else with `options.exit_code` if there
/// are leaks, or something grows in each step from capture to capture.
/// Errors: throws `failure` if there is nothing to look at.
process_end find_leaks(const leaks_options& options);

/// The report on one capture; on the last of several, and what grew; or on what grew alone.
lines leaks_report(const tracking& all, const leaks_options& options, const report_format& format);
lines comparison_report(const tracking& last, const growth_findings& found,
                        const leaks_options& options, const report_format& format);
lines growth_report(const capture& first, const growth_findings& found,
                    const report_format& format);

}  // namespace ashlar::tool
