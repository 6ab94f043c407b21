// SPDX-License-Identifier: MIT
// Who runs, and letting others run.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ashlar::os {

/// Returns the OS's number of the calling thread. One system call: keep the result.
std::uint64_t current_thread_id() noexcept;

/// Writes the name of the calling thread, cut and null-terminated. Empty where unknown.
void thread_name(char* text, std::size_t capacity) noexcept;

/// Lets another thread have this processor.
void yield() noexcept;

}  // namespace ashlar::os
