// SPDX-License-Identifier: MIT
// gettid, sched_yield and pthread_setcancelstate.
#include "ashlar/os/thread.hpp"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

namespace ashlar::os {

std::uint64_t current_thread_id() noexcept { return static_cast<std::uint64_t>(::gettid()); }

void yield() noexcept { ::sched_yield(); }

cancellation_hold::cancellation_hold() noexcept {
  ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_);
}

cancellation_hold::~cancellation_hold() { ::pthread_setcancelstate(before_, nullptr); }

}  // namespace ashlar::os
