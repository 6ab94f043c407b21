// SPDX-License-Identifier: MIT
// Callbacks that run when a thread ends, so that whoever holds something for it can take it back.
//
// The heap has the one of the process; who else wants one has a hook of his own.
//
// When it runs: after the destructors of thread_local objects, among those of pthread keys. Other
// keys' destructors may allocate after it; whoever serves them may arm again, from within the
// callback or later. libc makes PTHREAD_DESTRUCTOR_ITERATIONS (4) rounds; a thread that is armed
// after the last one ends without its callback. It does not run for the main thread at exit(), nor
// for threads that die with the process.
//
// Allocation: libc keeps the values of the first 32 keys of a process inside the thread, and
// allocates a block for each further 32. Create the key early (in a constructor), and be ready to
// serve a calloc from within the first `arm_thread_exit` of a thread otherwise.
#pragma once

#include <atomic>
#include <cstdint>

#include "ashlar/base/result.hpp"

namespace ashlar::os {

using thread_exit_callback = void (*)(void* value);

/// One callback, for all threads that arm it. For static storage: a hook is never taken back.
/// Threads: thread-safe.
class thread_exit_hook {
 public:
  constexpr thread_exit_hook() = default;
  thread_exit_hook(const thread_exit_hook&) = delete;
  thread_exit_hook& operator=(const thread_exit_hook&) = delete;

  /// Errors: EAGAIN if no key is left; EALREADY if there is a callback.
  os_error create(thread_exit_callback callback) noexcept;
  /// Lets the callback run with `value` when the calling thread ends; null: does not. Replaces an
  /// earlier value; the callback itself starts disarmed. Errors: ENOMEM; EINVAL without a callback.
  os_error arm(void* value) noexcept;

 private:
  std::atomic<std::uint32_t> key_plus_one_{0};
};

/// Sets the callback of the process. Call once, before any thread is armed. Errors: EAGAIN if no
/// key is left; EALREADY if there is a callback; arming does nothing without one.
os_error on_thread_exit(thread_exit_callback callback) noexcept;

/// Lets the callback run with `value` (not null) when the calling thread ends. Replaces an earlier
/// value; the callback itself starts disarmed. Errors: ENOMEM; EINVAL without a callback.
os_error arm_thread_exit(void* value) noexcept;

/// Takes back what `arm_thread_exit` did.
void disarm_thread_exit() noexcept;

}  // namespace ashlar::os
