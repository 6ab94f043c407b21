// SPDX-License-Identifier: MIT
#include "ashlar/structure/lock.hpp"

#include "ashlar/base/cpu.hpp"
#include "ashlar/os/wait.hpp"

namespace ashlar {

constinit thread_local bool thread_is_forking = false;
constinit thread_local std::uint32_t locks_of_this_thread = 0;

namespace {

// Read by one thread: whoever abandons locks is the only one in its process.
constinit bool locks_are_abandoned = false;
constinit std::uint32_t passed = 0;

// About 2 us on current machines: longer than our critical sections, shorter than two switches.
constexpr int spin_limit = 100;

}  // namespace

void abandon_locks() noexcept { locks_are_abandoned = true; }

std::uint32_t passed_locks() noexcept { return passed; }

void lock::acquire_slow() noexcept {
  if (locks_are_abandoned) {
    ++passed;
    return;
  }
  for (int i = 0; i < spin_limit; ++i) {
    if (state_.load(std::memory_order_relaxed) == free_state && take()) return;
    cpu_pause();
  }
  while (true) {
    std::uint32_t seen = state_.load(std::memory_order_relaxed);
    if (seen == held_for_fork) {
      if (thread_is_forking) return;  // it is this thread's own
      os::wait(state_, held_for_fork);
      continue;
    }
    // From here on we cannot know whether others sleep too, so we take the lock as contended; the
    // worst that follows is one needless wake. acquire: pairs with the release in release().
    if (seen != contended &&
        !state_.compare_exchange_strong(seen, contended, std::memory_order_acquire,
                                        std::memory_order_relaxed))
      continue;
    if (seen == free_state) return;
    os::wait(state_, contended);
  }
}

void lock::wake_one() noexcept { os::wake_one(state_); }
void lock::wake_all() noexcept { os::wake_all(state_); }

}  // namespace ashlar
