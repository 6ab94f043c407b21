// SPDX-License-Identifier: MIT
// The destructor of one pthread key.
#include "ashlar/os/thread_exit.hpp"

#include <pthread.h>

#include <atomic>
#include <cerrno>

namespace ashlar::os {

namespace {

constinit pthread_key_t key{};

enum class key_state : unsigned char { missing, creating, ready };

// Released after `key` is written; acquired before it is read.
constinit std::atomic<key_state> state{key_state::missing};

}  // namespace

os_error on_thread_exit(thread_exit_callback callback) noexcept {
  key_state expected = key_state::missing;
  if (!state.compare_exchange_strong(expected, key_state::creating, std::memory_order_relaxed))
    return {EALREADY};
  const int error = ::pthread_key_create(&key, callback);
  state.store(error == 0 ? key_state::ready : key_state::missing, std::memory_order_release);
  return {error};
}

os_error arm_thread_exit(void* value) noexcept {
  if (state.load(std::memory_order_acquire) != key_state::ready) return {EINVAL};
  return {::pthread_setspecific(key, value)};
}

void disarm_thread_exit() noexcept { static_cast<void>(arm_thread_exit(nullptr)); }

}  // namespace ashlar::os
