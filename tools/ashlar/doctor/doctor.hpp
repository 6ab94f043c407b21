// SPDX-License-Identifier: MIT
// The verb `doctor`: what can be seen in a program, what cannot, and why.
#pragma once

#include "tools/ashlar/doctor/finding.hpp"
#include "tools/ashlar/report/report.hpp"
#include "tools/ashlar/run_options.hpp"

namespace ashlar::tool {

/// Examines the subject and writes what was found. Returns the exit code: 0, or 1 if ashlar cannot
/// serve it.
/// Errors: throws `failure` if there is no such program or process.
int examine(const doctor_options& options);

/// The findings as text.
lines diagnosis_text(const diagnosis& all, const report_format& format);

}  // namespace ashlar::tool
