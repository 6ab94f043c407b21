// SPDX-License-Identifier: MIT
// gettid and sched_yield.
#include "ashlar/os/thread.hpp"

#include <sched.h>
#include <unistd.h>

namespace ashlar::os {

std::uint64_t current_thread_id() noexcept { return static_cast<std::uint64_t>(::gettid()); }

void yield() noexcept { ::sched_yield(); }

}  // namespace ashlar::os
