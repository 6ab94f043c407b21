// SPDX-License-Identifier: MIT
// Keeps errno as it was while the OS layer calls libc.
//
// malloc must not change errno when it succeeds, and free must never; so no function of this layer
// does. libc's wrappers are used rather than bare system calls because sanitizers intercept them.
#pragma once

#include <cerrno>
#include <cstdint>

namespace ashlar::os {

class errno_guard {
 public:
  errno_guard() noexcept : saved_(errno) {}
  ~errno_guard() { errno = saved_; }
  errno_guard(const errno_guard&) = delete;
  errno_guard& operator=(const errno_guard&) = delete;

  /// Turns libc's "-1 and errno" into "the result or -errno".
  static std::intptr_t outcome(std::intptr_t result) noexcept {
    return result == -1 ? -static_cast<std::intptr_t>(errno) : result;
  }

 private:
  int saved_;
};

}  // namespace ashlar::os
