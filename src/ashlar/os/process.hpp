// SPDX-License-Identifier: MIT
// What the system allows this process to have, and what it has.
//
// Nothing here allocates or changes errno. Threads: thread-safe. Cost: a few system calls and file
// reads each; keep the results.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ashlar::os {

inline constexpr std::size_t no_limit = static_cast<std::size_t>(-1);

/// Units: bytes.
struct memory_limits {
  std::size_t hard = no_limit;  ///< The kernel kills beyond it (memory.max).
  std::size_t soft = no_limit;  ///< The kernel throttles and reclaims beyond it (memory.high).
};

/// Returns the smallest limits of this process's control group and those above it (version 2).
/// `root` is put before each path: a folder that holds proc/ and sys/ for tests, "" for the system.
memory_limits control_group_memory_limits(const char* root = "") noexcept;

/// Returns the processor time that the control groups grant, in thousandths of a processor (1500:
/// one and a half), or `no_limit`.
std::size_t control_group_cpu_quota(const char* root = "") noexcept;

/// Returns how many processors this process may run on; at least 1.
std::size_t usable_cpu_count() noexcept;

/// Returns how many threads of this process can run at a time: one for each usable processor, or
/// fewer where the quota of the control groups does not pay for that many, parts rounded up.
std::size_t concurrency(const char* root = "") noexcept;

/// Returns the limit of address space (`ulimit -v`), in bytes, or `no_limit`.
std::size_t address_space_limit() noexcept;

/// Returns how large a file may grow (`ulimit -f`), in bytes, or `no_limit`. Whoever writes beyond
/// it, or sets such a size, is not only refused, but ended by SIGXFSZ; memory files count, too.
std::size_t file_size_limit() noexcept;

/// Returns the memory of the machine, in bytes; 0 where unknown.
std::size_t physical_memory() noexcept;

/// Units: bytes. Zero where unknown.
struct resident_set {
  std::size_t now = 0;
  std::size_t peak = 0;
};

resident_set current_resident_set() noexcept;

struct page_faults {
  std::uint64_t minor = 0;  ///< A page was given without reading from a disk.
  std::uint64_t major = 0;  ///< A page was read from a disk.
};

/// Returns the page faults of this process so far.
page_faults current_page_faults() noexcept;

}  // namespace ashlar::os
