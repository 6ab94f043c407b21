// SPDX-License-Identifier: MIT
// A handler that takes the place of the default action of SIGINT, SIGTERM and SIGHUP, and passes
// for it.
//
// Interpreters set handlers of their own only where they find the default: `sigaction` and `signal`
// therefore say that ours is the default, and whoever sets the default gets ours. What the program
// handles or ignores is left alone. Children that are executed have the real default, as the kernel
// sees to.
// Costs one comparison in these two functions.
#pragma once

#include <signal.h>

namespace ashlar::replace {

using signal_handler = void (*)(int number, siginfo_t* info, void* context);

/// Sets `handler` where the default holds. Not in process 1, which these signals do not end.
/// Threads: before there are others.
void handle_termination(signal_handler handler) noexcept;

/// Puts the real default back, for a handler that has done its work. Signal-safe.
void end_at_next(int number) noexcept;

}  // namespace ashlar::replace
