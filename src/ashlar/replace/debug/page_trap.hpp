// SPDX-License-Identifier: MIT
// Says which block it was, where a program touches a protected page of one.
//
// A handler for SIGSEGV, set when `protect` is: it reports, puts back what was there
// before, and returns, so that the access is made again and the program dies as it would have. What
// is no page of ours goes to the handler before at once. A program that sets a handler of its own
// replaces this one.
#pragma once

namespace ashlar::replace {

void set_page_trap() noexcept;

}  // namespace ashlar::replace
