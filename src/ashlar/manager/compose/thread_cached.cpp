// SPDX-License-Identifier: MIT
#include "ashlar/manager/compose/thread_cached.hpp"

#include <atomic>

namespace ashlar {

namespace {

constinit std::atomic<std::size_t> last_number{0};
thread_local constinit std::size_t number_of_thread = 0;  // 0: none yet

}  // namespace

std::size_t thread_number() noexcept {
  if (number_of_thread == 0)
    number_of_thread = last_number.fetch_add(1, std::memory_order_relaxed) + 1;
  return number_of_thread;
}

}  // namespace ashlar
