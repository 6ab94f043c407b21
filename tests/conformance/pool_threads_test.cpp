// SPDX-License-Identifier: MIT
// The pools for many threads.
#include <gtest/gtest.h>

#include "ashlar/pool.hpp"
#include "conformance/conformance.hpp"

namespace {

using namespace ashlar::literals;

template <class Pool, std::size_t Size, std::size_t Alignment>
struct shared_pool_subject {
  static constexpr std::size_t largest = Size;
  static constexpr std::size_t max_alignment = Alignment;
  explicit shared_pool_subject(ashlar::memory upstream)
      : pool_({Size, Alignment}, {.upstream = upstream}) {}
  ashlar::manager& get() { return pool_; }
  bool is_well() { return pool_.check_invariants(); }
  Pool pool_;
};

using thread_cached_256 = shared_pool_subject<ashlar::thread_cached_pool, 256, 64>;
using thread_cached_8_KiB = shared_pool_subject<ashlar::thread_cached_pool, 8_KiB, 8_KiB>;
using thread_pools_256 = shared_pool_subject<ashlar::thread_pools, 256, 64>;
using thread_pools_8_KiB = shared_pool_subject<ashlar::thread_pools, 8_KiB, 8_KiB>;

ASHLAR_CONFORMS(thread_cached_256, thread_cached_256);
ASHLAR_CONFORMS(thread_cached_8_KiB, thread_cached_8_KiB);
ASHLAR_CONFORMS(thread_pools_256, thread_pools_256);
ASHLAR_CONFORMS(thread_pools_8_KiB, thread_pools_8_KiB);

}  // namespace
