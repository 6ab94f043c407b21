// SPDX-License-Identifier: MIT
// A countdown of system calls; see os/fault_injection.hpp.
#include "ashlar/os/fault_injection.hpp"

#include <atomic>

namespace ashlar::os {

namespace {

constinit std::atomic<std::uint64_t> remaining{0};  // calls until the next failure; 0: off
constinit std::atomic<std::uint64_t> interval{0};
constinit std::atomic<std::uint64_t> failures{0};

}  // namespace

void fail_nth_call(std::uint64_t n, std::uint64_t every) noexcept {
  interval.store(every, std::memory_order_relaxed);
  remaining.store(n, std::memory_order_relaxed);
}

std::uint64_t injected_failures() noexcept { return failures.load(std::memory_order_relaxed); }

bool take_injected_failure() noexcept {
  std::uint64_t left = remaining.load(std::memory_order_relaxed);
  if (left == 0) [[likely]]
    return false;
  std::uint64_t next;
  do {
    if (left == 0) return false;
    next = left == 1 ? interval.load(std::memory_order_relaxed) : left - 1;
  } while (!remaining.compare_exchange_weak(left, next, std::memory_order_relaxed));
  if (left != 1) return false;
  failures.fetch_add(1, std::memory_order_relaxed);
  return true;
}

}  // namespace ashlar::os
