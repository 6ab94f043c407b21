// SPDX-License-Identifier: MIT
// The destructor of a pthread key.
#include "ashlar/os/thread_exit.hpp"

#include <pthread.h>

#include <cerrno>

namespace ashlar::os {

namespace {

constinit thread_exit_hook the_process_hook;

}  // namespace

// Of two threads that come at once, one throws its key away.
os_error thread_exit_hook::create(thread_exit_callback callback) noexcept {
  if (key_plus_one_.load(std::memory_order_relaxed) != 0) return {EALREADY};
  pthread_key_t key{};
  if (const int error = ::pthread_key_create(&key, callback); error != 0) return {error};
  std::uint32_t none = 0;
  // release: pairs with the acquire in arm().
  if (key_plus_one_.compare_exchange_strong(none, key + 1, std::memory_order_release,
                                            std::memory_order_relaxed))
    return {};
  ::pthread_key_delete(key);
  return {EALREADY};
}

os_error thread_exit_hook::arm(void* value) noexcept {
  // acquire: pairs with the release in create().
  const std::uint32_t key_plus_one = key_plus_one_.load(std::memory_order_acquire);
  if (key_plus_one == 0) return {EINVAL};
  return {::pthread_setspecific(key_plus_one - 1, value)};
}

os_error on_thread_exit(thread_exit_callback callback) noexcept {
  return the_process_hook.create(callback);
}

os_error arm_thread_exit(void* value) noexcept { return the_process_hook.arm(value); }

void disarm_thread_exit() noexcept { static_cast<void>(arm_thread_exit(nullptr)); }

}  // namespace ashlar::os
