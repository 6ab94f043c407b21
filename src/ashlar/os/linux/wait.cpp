// SPDX-License-Identifier: MIT
// Futexes.
#include "ashlar/os/wait.hpp"

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "ashlar/os/posix/errno_guard.hpp"

namespace ashlar::os {

namespace {

static_assert(sizeof(wait_word) == 4 && wait_word::is_always_lock_free,
              "the kernel compares a plain 32-bit word");

std::intptr_t futex(const wait_word& word, int operation, std::uint32_t value,
                    const timespec* timeout) {
  const errno_guard guard;
  return errno_guard::outcome(
      ::syscall(SYS_futex, &word, operation | FUTEX_PRIVATE_FLAG, value, timeout, nullptr, 0));
}

}  // namespace

bool wait(const wait_word& word, std::uint32_t expected, std::uint64_t timeout_ns) noexcept {
  constexpr std::uint64_t second = 1'000'000'000;
  const timespec timeout{.tv_sec = static_cast<time_t>(timeout_ns / second),
                         .tv_nsec = static_cast<long>(timeout_ns % second)};
  return futex(word, FUTEX_WAIT, expected, timeout_ns == no_timeout ? nullptr : &timeout) !=
         -ETIMEDOUT;
}

void wake_one(const wait_word& word) noexcept { futex(word, FUTEX_WAKE, 1, nullptr); }

void wake_all(const wait_word& word) noexcept { futex(word, FUTEX_WAKE, INT_MAX, nullptr); }

}  // namespace ashlar::os
