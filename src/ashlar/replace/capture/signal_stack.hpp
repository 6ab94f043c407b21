// SPDX-License-Identifier: MIT
// A stack for signal handlers, for each thread that has none: where the thread's own has
// overflowed, a handler has no other place to run.
#pragma once

namespace ashlar::replace {

/// Gives the calling thread such a stack until it ends, if it has none. Errors: none; a thread for
/// which there is no memory goes without. Cost: two system calls at a thread's first call.
void give_signal_stack() noexcept;

/// Takes the calling thread's back, if it is ours.
void take_signal_stack_back() noexcept;

}  // namespace ashlar::replace
