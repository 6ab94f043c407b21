// SPDX-License-Identifier: MIT
// The report as JSON, for programs. Keys are stable: docs/reference/tool.md lists them.
//
// Every size is in bytes and every time in nanoseconds, as whole numbers, so nothing is rounded.
// New keys may come with any version; none is renamed or removed while `ashlar_report` is 1.
#pragma once

#include <string>

#include "tools/ashlar/report/report.hpp"

namespace ashlar::tool {

/// Returns the whole run as one JSON object, indented, with a line end.
std::string write_json(const run_report& run);

}  // namespace ashlar::tool
