// SPDX-License-Identifier: MIT
// Time that only goes forward, in nanoseconds since an arbitrary moment.
//
// Threads: thread-safe. No system call where the OS maps its clock into the process (the vDSO).
#pragma once

#include <cstdint>

namespace ashlar::os {

/// Returns the time. Cost: about 20 ns.
std::uint64_t monotonic_ns() noexcept;

/// Returns the time as of the last timer tick, up to 10 ms ago. For decisions, not measurements.
/// Cost: about 5 ns.
std::uint64_t coarse_ns() noexcept;

}  // namespace ashlar::os
