// SPDX-License-Identifier: MIT
// The verb `leaks`: what a program has lost, still holds, or holds more and more of.
#pragma once

#include "tools/ashlar/report/report.hpp"
#include "tools/ashlar/run_options.hpp"

namespace ashlar::tool {

/// Looks at captures, or runs a program, and writes what leaked. Returns how the tool shall end:
/// as the program did, if that was not with exit code 0; else with `options.exit_code` if there
/// are leaks.
/// Errors: throws `failure` if there is nothing to look at.
process_end find_leaks(const leaks_options& options);

/// A place that holds more in the later of two captures.
struct growth {
  shown_stack where;
  std::uint32_t tag = 0;   // of the later one
  std::int64_t bytes = 0;  // more than before
  std::int64_t blocks = 0;
  std::uint64_t live_bytes = 0;  // in the later one
};

/// Compares two captures of one program, by stack. The one that grew most comes first.
std::vector<growth> growth_between(const capture& before, const capture& after);

/// The report on one capture, or on what grew.
lines leaks_report(const tracking& all, const leaks_options& options, const report_format& format);
lines growth_report(const capture& before, const capture& after, const std::vector<growth>& grown,
                    const report_format& format);

}  // namespace ashlar::tool
