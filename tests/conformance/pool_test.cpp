// SPDX-License-Identifier: MIT
// The pools: over any upstream and over the OS, small and large blocks, each option.
#include "ashlar/pool.hpp"

#include <gtest/gtest.h>

#include "ashlar/manager/source/os_manager.hpp"
#include "conformance/conformance.hpp"

namespace {

using namespace ashlar::literals;

/// A pool for blocks of `Size` at multiples of `Alignment`.
template <std::size_t Size, std::size_t Alignment>
struct pool_subject {
  static constexpr std::size_t largest = Size;
  static constexpr std::size_t max_alignment = Alignment;
  pool_subject(ashlar::memory upstream, ashlar::pool_options options)
      : pool_({Size, Alignment}, with(options, upstream)) {}
  explicit pool_subject(ashlar::memory upstream) : pool_subject(upstream, {}) {}
  static ashlar::pool_options with(ashlar::pool_options options, ashlar::memory upstream) {
    options.upstream = upstream;
    return options;
  }
  ashlar::manager& get() { return pool_; }
  bool is_well() { return pool_.check_invariants(); }
  void adopt(pool_subject& other) { EXPECT_TRUE(pool_.adopt(other.pool_)); }
  ashlar::pool pool_;
};

using pool_of_256 = pool_subject<256, 64>;
using pool_of_pages = pool_subject<4_KiB, 4_KiB>;
using pool_of_64_KiB = pool_subject<64_KiB, 64_KiB>;
using pool_of_1008 = pool_subject<1008, 16>;

struct pool_of_small_slabs : pool_subject<512, 512> {
  explicit pool_of_small_slabs(ashlar::memory upstream)
      : pool_subject(upstream, {.page_size = 4_KiB, .spare = 0}) {}
};

struct pool_of_cache_lines : pool_subject<100, 8> {
  static constexpr std::size_t largest = 100;
  static constexpr std::size_t max_alignment = 64;
  explicit pool_of_cache_lines(ashlar::memory upstream)
      : pool_subject(upstream, {.cache_line = true, .spare = 3}) {}
};

struct pool_over_the_os : pool_subject<2000, 16> {
  explicit pool_over_the_os(ashlar::memory upstream) : pool_subject(upstream.os()) {}
};

ASHLAR_CONFORMS(pool_of_256, pool_of_256);
ASHLAR_CONFORMS(pool_of_1008, pool_of_1008);
ASHLAR_CONFORMS(pool_of_pages, pool_of_pages);
ASHLAR_CONFORMS(pool_of_64_KiB, pool_of_64_KiB);
ASHLAR_CONFORMS(pool_of_small_slabs, pool_of_small_slabs);
ASHLAR_CONFORMS(pool_of_cache_lines, pool_of_cache_lines);
ASHLAR_CONFORMS(pool_over_the_os, pool_over_the_os);

}  // namespace
