// SPDX-License-Identifier: MIT
// Runs a function in a copy of this process.
//
// A signal handler must not wait for a lock: the thread that it has interrupted may hold it. In a
// copy no other thread exists, so no lock is ever released; it may be passed, and whatever is left
// half done there dies with it. The process itself is not changed, and its other threads go on.
// Costs a fork: page tables are copied, pages are not.
#pragma once

#include "ashlar/os/address_space.hpp"

namespace ashlar::replace {

/// Makes the stack on which copies run, and sets address space aside for them, so that they find
/// some where the process has none left. Errors: false if there is no memory.
bool prepare_copies() noexcept;

/// Runs `work(argument)` in a copy, and waits for its end: 60 s at most, then the copy is killed by
/// an alarm of its own. In the copy locks are passed, and faults end it. Returns whether it
/// returned true. Errors: false if there is no copy, for want of processes or memory. Threads: one
/// at a time. Signal-safe.
bool run_in_copy(bool (*work)(void* argument), void* argument) noexcept;

/// Gives that back.
void release_copies() noexcept;

/// The stack of copies; empty before it is made.
os::range copy_stack() noexcept;

}  // namespace ashlar::replace
