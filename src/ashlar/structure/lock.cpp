// SPDX-License-Identifier: MIT
#include "ashlar/structure/lock.hpp"

#include "ashlar/base/cpu.hpp"
#include "ashlar/os/wait.hpp"

namespace ashlar {

namespace {

// About 2 us on current machines: longer than our critical sections, shorter than two switches.
constexpr int spin_limit = 100;

}  // namespace

void lock::acquire_slow() noexcept {
  for (int i = 0; i < spin_limit; ++i) {
    if (state_.load(std::memory_order_relaxed) == free_state && try_acquire()) return;
    cpu_pause();
  }
  // acquire: pairs with the release in release(). From here on we cannot know whether others
  // sleep too, so we take the lock as contended; the worst that follows is one needless wake.
  while (state_.exchange(contended, std::memory_order_acquire) != free_state)
    os::wait(state_, contended);
}

void lock::wake_one() noexcept { os::wake_one(state_); }

}  // namespace ashlar
