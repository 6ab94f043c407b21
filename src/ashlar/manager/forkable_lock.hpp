// SPDX-License-Identifier: MIT
// A lock that no fork leaves locked in the child: the locks of managers that many threads use.
//
// Managers are stacked in any order, so there is no order in which a fork could wait for their
// locks. It closes a gate: a thread that holds no lock stops there before it takes one of these,
// and one that does goes on, so that soon nobody is inside. Meanwhile the fork takes what is free,
// and where one is not, gives all back and tries again: whoever holds one waits for nobody who
// waits for the fork. While it has them all, the managers are whole, and the child finds them so.
//
// A lock enters the list of the process when it is first taken, so it can be a constant, and one
// that is never taken is in no list. Lock order: the memory system's before the list's; nothing is
// waited for under that.
// What lies below heaps, whose locks a fork takes later, must not use these: it would be held while
// a heap waits for it. And nobody forks who holds one: a visitor of a walk, say.
// Threads: thread-safe; must not end while it is held. Cost: a lock's and two loads.
#pragma once

#include <atomic>
#include <cstdint>

#include "ashlar/structure/lock.hpp"

namespace ashlar {

/// One of the process: it never ends.
class ASHLAR_EXPORT forkable_lock {
 public:
  constexpr forkable_lock() = default;
  forkable_lock(const forkable_lock&) = delete;
  forkable_lock& operator=(const forkable_lock&) = delete;

  void acquire() noexcept {
    // relaxed: who misses that the gate was closed is inside once more, and comes by it next time.
    if (!is_listed() || gate_.load(std::memory_order_relaxed) != open) [[unlikely]]
      enter();
    lock_.acquire();
  }
  /// Fails, too, where the lock was never taken before: this enters no list, so that a signal
  /// handler may call it.
  bool try_acquire() noexcept { return is_listed() && lock_.try_acquire(); }
  void release() noexcept { lock_.release(); }

  /// Closes the gate, and takes all locks of the list, and the list. Returns whether it could; it
  /// has none otherwise, and should let others run and try again.
  static bool try_hold_all_for_fork() noexcept;
  /// Opens the gate, and gives back what `try_hold_all_for_fork` took, and frees locks that came
  /// since.
  static void release_all_after_fork(bool in_child) noexcept;

 protected:
  // acquire: pairs with the release in enter(): who ends a lock sees where it is in the list.
  bool is_listed() const noexcept { return is_listed_.load(std::memory_order_acquire); }
  ASHLAR_COLD void leave() noexcept;

 private:
  static constexpr std::uint32_t open = 0;
  static constexpr std::uint32_t closed = 1;

  ASHLAR_COLD void enter() noexcept;
  static void pass_gate() noexcept;

  static constinit std::atomic<std::uint32_t> gate_;

  lock lock_;
  std::atomic<bool> is_listed_{false};
  forkable_lock* next_ = nullptr;  // in the list
  forkable_lock* previous_ = nullptr;
};

/// One of a manager, with which it ends.
class ASHLAR_EXPORT manager_lock : public forkable_lock {
 public:
  constexpr manager_lock() = default;
  ~manager_lock() {
    if (is_listed()) leave();
  }
};

}  // namespace ashlar
