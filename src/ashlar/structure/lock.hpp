// SPDX-License-Identifier: MIT
// A mutex of one word that never allocates and may be held across fork.
//
// Three states, after Drepper's "Futexes are tricky" (2011): free, held, held with sleepers. The
// owner of an uncontended lock pays one compare-and-swap and one exchange. A waiter first spins:
// our critical sections are shorter than a trip through the kernel.
// Around a fork all locks of the library are held by the forking thread. Handlers of the program
// that run in between may allocate in that very thread; so a lock that is held for a fork lets the
// forking thread pass, and its release is left to the end of the fork. Threads: thread-safe. Not
// recursive otherwise. Cost: about 20 cycles uncontended.
#pragma once

#include <atomic>
#include <cstdint>

#include "ashlar/base/macros.hpp"

namespace ashlar {

/// Whether this thread is inside fork(), between our own handlers.
extern ASHLAR_EXPORT thread_local constinit bool thread_is_forking
    __attribute__((tls_model("initial-exec")));

/// How many locks this thread holds, or is about to take or to release. A signal handler that finds
/// any has interrupted work under them, and must not wait for a lock: it may wait for itself.
extern ASHLAR_EXPORT thread_local constinit std::uint32_t locks_of_this_thread
    __attribute__((tls_model("initial-exec")));

/// Lets this process pass locks that are held, from now on and for good: for a copy of a process in
/// which the threads that held them do not exist. What such a lock guards may be half changed.
ASHLAR_EXPORT void abandon_locks() noexcept;
/// Returns how many locks were passed since.
ASHLAR_EXPORT std::uint32_t passed_locks() noexcept;

class ASHLAR_EXPORT lock {
 public:
  constexpr lock() = default;
  lock(const lock&) = delete;
  lock& operator=(const lock&) = delete;

  void acquire() noexcept {
    count_in();
    if (!take()) acquire_slow();
  }

  bool try_acquire() noexcept {
    count_in();
    const bool taken = take();
    if (!taken) count_out();
    return taken;
  }

  void release() noexcept {
    if (state_.load(std::memory_order_relaxed) != held_for_fork) [[likely]] {
      // release: what was done under the lock is seen by the next owner.
      if (state_.exchange(free_state, std::memory_order_release) == contended) wake_one();
    }
    count_out();
  }

  void acquire_for_fork() noexcept {
    acquire();
    hold_for_fork();
  }
  /// Keeps the lock, which this thread holds, until the end of the fork.
  void hold_for_fork() noexcept { state_.store(held_for_fork, std::memory_order_relaxed); }
  /// Locks that came into being during the fork are free, and stay so.
  void release_after_fork() noexcept {
    const bool was_held = is_held();
    state_.store(free_state, std::memory_order_release);
    wake_all();
    if (was_held) count_out();
  }
  /// Makes the lock free again in the child of a fork, where its sleepers do not exist.
  void reset_after_fork() noexcept {
    if (is_held()) count_out();
    state_.store(free_state, std::memory_order_relaxed);
  }

  void end_fork(bool in_child) noexcept { in_child ? reset_after_fork() : release_after_fork(); }

  bool is_held() const noexcept { return state_.load(std::memory_order_relaxed) != free_state; }

 private:
  static constexpr std::uint32_t free_state = 0;
  static constexpr std::uint32_t held = 1;
  static constexpr std::uint32_t contended = 2;
  static constexpr std::uint32_t held_for_fork = 3;

  bool take() noexcept {
    std::uint32_t expected = free_state;
    // acquire: pairs with the release in release().
    return state_.compare_exchange_strong(expected, held, std::memory_order_acquire,
                                          std::memory_order_relaxed);
  }

  // The fences keep the compiler from moving the count to the wrong side of the lock.
  static void count_in() noexcept {
    ++locks_of_this_thread;
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }
  static void count_out() noexcept {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    --locks_of_this_thread;
  }

  ASHLAR_COLD void acquire_slow() noexcept;
  ASHLAR_COLD void wake_one() noexcept;
  ASHLAR_COLD void wake_all() noexcept;

  std::atomic<std::uint32_t> state_{free_state};
};

/// Holds a lock for a scope.
template <class Lock>
class [[nodiscard]] lock_guard {
 public:
  explicit lock_guard(Lock& l) noexcept : lock_(l) { lock_.acquire(); }
  ~lock_guard() { lock_.release(); }
  lock_guard(const lock_guard&) = delete;
  lock_guard& operator=(const lock_guard&) = delete;

 private:
  Lock& lock_;
};

}  // namespace ashlar
