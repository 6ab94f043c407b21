// SPDX-License-Identifier: MIT
// The verb `run`: starts a program on ashlar, waits for its end, and writes the report.
#pragma once

#include "tools/ashlar/process/launch.hpp"
#include "tools/ashlar/report/report.hpp"
#include "tools/ashlar/run_options.hpp"

namespace ashlar::tool {

/// Runs the program and writes the report. Returns how the program ended.
/// Errors: throws `failure` if the program was not run; what goes wrong with the report only is
/// said in a line on stderr.
process_end run(const run_options& options);

/// Runs the program, and returns what is known of it. The folder that the records were in is gone
/// when this returns: whoever reads the report slowly, or kills the tool because it waits for its
/// reader, leaves nothing behind. What was tracked is read, and not yet worked out.
run_report run_and_gather(const run_options& options, const signal_block& signals);

/// Returns how captures are to be looked at.
/// Errors: throws `failure` if a file of suppressions cannot be used.
analysis_options analysis_of(const run_options& options);

/// Works out what was tracked.
void work_out(run_report& run, const analysis_options& options);

}  // namespace ashlar::tool
