// SPDX-License-Identifier: MIT
// What this process has said on stderr since tracking began: faults with what is known of their
// blocks, warnings. Kept for captures, whose reader can name functions and lines.
//
// Threads: thread-safe; all of it may run in a handler of a signal.
#pragma once

#include <cstddef>

namespace ashlar::replace {

/// Keeps lines from now on, the first of them: up to `most_said` bytes.
void keep_lines() noexcept;
inline constexpr std::size_t most_said = 16384;

/// Returns what was kept, a newline behind each, ended with a zero byte.
const char* said_lines() noexcept;

/// For the child of a fork: what its parent said is not its own.
void forget_lines() noexcept;

}  // namespace ashlar::replace
