// SPDX-License-Identifier: MIT
// gettid, prctl, sched_getcpu, sched_yield and pthread_setcancelstate.
#include "ashlar/os/thread.hpp"

#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace ashlar::os {

std::uint64_t current_thread_id() noexcept { return static_cast<std::uint64_t>(::gettid()); }

void thread_name(char* text, std::size_t capacity) noexcept {
  char name[16] = {};
  if (::prctl(PR_GET_NAME, name) != 0) name[0] = '\0';
  const std::size_t size = ::strnlen(name, sizeof name - 1);
  const std::size_t kept = size < capacity ? size : capacity - 1;
  ::memcpy(text, name, kept);
  text[kept] = '\0';
}

std::uint32_t current_processor() noexcept {
  const int number = ::sched_getcpu();
  return number < 0 ? 0 : static_cast<std::uint32_t>(number);
}

void yield() noexcept { ::sched_yield(); }

cancellation_hold::cancellation_hold() noexcept {
  ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_);
}

cancellation_hold::~cancellation_hold() { ::pthread_setcancelstate(before_, nullptr); }

}  // namespace ashlar::os
