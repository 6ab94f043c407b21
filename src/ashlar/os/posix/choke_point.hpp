// SPDX-License-Identifier: MIT
// The choke point: each system call of the OS memory manager is counted, may be made to fail, and
// is then made through the table of os/system_calls.hpp. Private to os/.
//
// The counts of bytes change after the system has said yes, never before, so that a refused call
// leaves them as they were.
#pragma once

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "ashlar/os/fault_injection.hpp"
#include "ashlar/os/system_calls.hpp"

namespace ashlar::os::detail {

/// The live counters; `counters` in os/address_space.hpp is their snapshot.
struct live_counters {
  std::atomic<std::size_t> reserved{0};
  std::atomic<std::size_t> committed{0};
  std::atomic<std::size_t> peak_committed{0};
  std::atomic<std::uint64_t> calls{0};
  std::atomic<std::uint64_t> discarded{0};
};

extern live_counters live;

/// Makes one call: `call(&system_calls::unmap, address, size)`. Returns its result, or -ENOMEM for
/// an injected failure.
template <class Function, class... Arguments>
std::intptr_t call(Function system_calls::*function, Arguments... arguments) noexcept {
  live.calls.fetch_add(1, std::memory_order_relaxed);
  if (take_injected_failure()) [[unlikely]]
    return -ENOMEM;
  return (active_system_calls().*function)(arguments...);
}

constexpr bool failed(std::intptr_t outcome) { return outcome < 0 && outcome >= -4095; }

constexpr int error_code(std::intptr_t outcome) {
  return failed(outcome) ? static_cast<int>(-outcome) : 0;
}

void count_reserved(std::size_t bytes) noexcept;
void count_released(std::size_t bytes) noexcept;
void count_committed(std::size_t bytes) noexcept;
void count_decommitted(std::size_t bytes) noexcept;
void count_discarded(std::size_t bytes) noexcept;

}  // namespace ashlar::os::detail
