// SPDX-License-Identifier: MIT
// The verb `run`: starts a program on ashlar, waits for its end, and writes the report.
#pragma once

#include "tools/ashlar/report/report.hpp"
#include "tools/ashlar/run_options.hpp"

namespace ashlar::tool {

/// Runs the program and writes the report. Returns how the program ended.
/// Errors: throws `failure` if the program was not run; what goes wrong with the report only is
/// said in a line on stderr.
process_end run(const run_options& options);

}  // namespace ashlar::tool
