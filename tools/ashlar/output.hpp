// SPDX-License-Identifier: MIT
// Where reports go: a file, or stderr.
//
// A report that cannot be written gets one line, and is no reason to change how the tool ends.
// Threads: thread-confined.
#pragma once

#include <functional>
#include <string>

#include "tools/ashlar/report/report.hpp"
#include "tools/ashlar/run_options.hpp"

namespace ashlar::tool {

/// Says it if it can: a closed stderr must not change how the tool ends.
void warn(const std::string& text);

/// Writes what `compose` makes of the descriptor to `file`; to stderr if it is empty, to
/// stdout if it is "-".
void write_to(const std::string& file, const std::function<std::string(int fd)>& compose);

/// Writes text and JSON where `options` say. On stderr an empty line goes before the text.
struct report_texts {
  std::function<std::string()> json;
  std::function<std::string(const report_format&)> text;  // none: there is nothing to say
};
void write_reports(const report_texts& texts, const run_options& options, bool set_apart);

}  // namespace ashlar::tool
