// SPDX-License-Identifier: MIT
// Says which block it was, where a program touches a protected page of one.
//
// A handler for SIGSEGV, set when `protect` is: it reports, puts back what was there
// before, and returns, so that the access is made again and the program dies as it would have. What
// is no page of ours goes to the handler before at once. A program that sets a handler of its own
// replaces this one.
#pragma once

#include <signal.h>

namespace ashlar::replace {

void set_page_trap() noexcept;
/// For a handler of SIGSEGV that stands in front of this one and wants the report first: makes it,
/// if the trap is set and the access is to a protected page of ours. It is not made again.
void report_page_access(const siginfo_t& info, const void* context) noexcept;

}  // namespace ashlar::replace
