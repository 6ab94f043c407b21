// SPDX-License-Identifier: MIT
// What the place where the report goes can show: columns, colour, Unicode.
//
// Each question is put to the environment and the file descriptor here and nowhere else.
// Threads: thread-safe as long as nobody changes the environment.
#pragma once

#include "tools/ashlar/report/report.hpp"
#include "tools/ashlar/run_options.hpp"

namespace ashlar::tool {

/// Returns how a report shall look that is written to `fd`.
report_format format_for(int fd, const run_options& options);

}  // namespace ashlar::tool
