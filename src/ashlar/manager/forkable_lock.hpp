// SPDX-License-Identifier: MIT
// A lock that no fork leaves locked in the child: the locks of managers that many threads use.
//
// Managers are stacked in any order, so there is no order in which a fork could wait for their
// locks. It takes what is free of them, and where one is not, gives all back and tries again, until
// it has them all: whoever holds one meanwhile waits for nobody who waits for the fork. While it
// has them, nobody else is inside any of these managers, and the child finds them whole.
//
// A lock enters the list of the process when it is first taken, so it can be a constant, and one
// that is never taken is in no list. Lock order: the memory system's before the list's; nothing is
// waited for under that.
// What lies below heaps, whose locks a fork takes later, must not use these: it would be held while
// a heap waits for it. And nobody forks who holds one: a visitor of a walk, say.
// Threads: thread-safe; must not end while it is held. Cost: a lock's and one load.
#pragma once

#include <atomic>

#include "ashlar/structure/lock.hpp"

namespace ashlar {

/// One of the process: it never ends.
class ASHLAR_EXPORT forkable_lock {
 public:
  constexpr forkable_lock() = default;
  forkable_lock(const forkable_lock&) = delete;
  forkable_lock& operator=(const forkable_lock&) = delete;

  void acquire() noexcept {
    if (!is_listed()) [[unlikely]]
      enter();
    lock_.acquire();
  }
  /// Fails, too, where the lock was never taken before: this enters no list, so that a signal
  /// handler may call it.
  bool try_acquire() noexcept { return is_listed() && lock_.try_acquire(); }
  void release() noexcept { lock_.release(); }

  /// Takes all locks of the list, and the list. Returns whether it could; it has none otherwise.
  static bool try_hold_all_for_fork() noexcept;
  /// Gives back what `try_hold_all_for_fork` took, and frees locks that came since.
  static void release_all_after_fork(bool in_child) noexcept;

 protected:
  // acquire: pairs with the release in enter(): who ends a lock sees where it is in the list.
  bool is_listed() const noexcept { return is_listed_.load(std::memory_order_acquire); }
  ASHLAR_COLD void leave() noexcept;

 private:
  ASHLAR_COLD void enter() noexcept;

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
