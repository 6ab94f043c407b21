// SPDX-License-Identifier: MIT
// Lets chosen calls of the OS memory manager fail, in a production build too.
//
// The rarest paths of an allocator are those after a refusal by the system. Real programs can be
// sent through them with a run-time option that ends here. Off, it costs one load and one compare
// beside a system call. Threads: thread-safe; the n-th call is the n-th of the whole process.
#pragma once

#include <cstdint>

namespace ashlar::os {

/// Lets the `n`-th system call of address_space.hpp from now (1 is the next one) fail with ENOMEM
/// without being made, and then each `every`-th one after it (0: no further one). `n` = 0: off.
void fail_nth_call(std::uint64_t n, std::uint64_t every) noexcept;

/// Returns how many calls were made to fail since the process began.
std::uint64_t injected_failures() noexcept;

/// Counts one call. Returns true if it is to fail. For the choke point in address_space.cpp.
bool take_injected_failure() noexcept;

}  // namespace ashlar::os
