// SPDX-License-Identifier: MIT
// Handlers around fork, so that a child never inherits a lock that nobody holds any more.
#pragma once

#include "ashlar/base/result.hpp"

namespace ashlar::os {

using fork_handler = void (*)();

/// Lets `prepare` run before each fork, `parent` and `child` after it on either side. Any may be
/// null. Register early: prepare handlers run last-registered first, so that those of the program,
/// which may allocate, run before ours take the locks, and their counterparts after ours.
/// A process made by vfork, posix_spawn or a bare clone runs no handler.
/// Errors: ENOMEM. Works in a shared library too: the handlers go when it is unloaded.
os_error on_fork(fork_handler prepare, fork_handler parent, fork_handler child) noexcept;

}  // namespace ashlar::os
