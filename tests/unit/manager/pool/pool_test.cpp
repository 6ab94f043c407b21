// SPDX-License-Identifier: MIT
// The pool beyond what the conformance suite asks of every manager: where blocks lie, what it
// learns, when slabs come and go. What it finds when its rules are broken: pool_faults_test.cpp.
#include "ashlar/pool.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "ashlar/base/units.hpp"
#include "ashlar/manager/source/os_manager.hpp"
#include "ashlar/os/address_space.hpp"
#include "support/pattern.hpp"
#include "support/random.hpp"
#include "support/unwatched.hpp"
#include "support/upstream.hpp"

namespace ashlar {
namespace {

constexpr std::size_t slab_bytes = 64_KiB;

std::vector<void*> take(pool& p, std::size_t count) {
  std::vector<void*> blocks(count);
  EXPECT_EQ(p.get_many(blocks), count);
  return blocks;
}

// --- shape ---------------------------------------------------------------------------------------

TEST(slab_shape, numbers_blocks_and_finds_them_again) {
  const std::size_t page = os::page_size();
  for (const std::size_t size : {8u, 16u, 24u, 40u, 96u, 1000u, 2048u, 2056u, 4096u, 100'000u}) {
    for (const std::size_t alignment : {8u, 16u, 64u, 2048u, 4096u}) {
      const slab_shape s = slab_shape::of({size, alignment}, 64_KiB, page);
      ASSERT_GE(s.capacity, 1u);
      std::size_t end = sizeof(pool_slab);
      std::uint32_t run = 0;
      for (std::uint32_t i = 0; i < s.capacity; ++i) {
        const std::size_t at = s.offset_of(i);
        ASSERT_GE(at, end) << size << " " << alignment << " block " << i;
        ASSERT_EQ(at % alignment, 0u);
        ASSERT_EQ(s.index_of(at), i);
        ASSERT_EQ(s.index_of(at + 1), slab_shape::none);
        ASSERT_EQ(s.index_of(at + size / 2), slab_shape::none);
        const bool is_in_page = at / page == (at + s.block_size - 1) / page;
        ASSERT_TRUE(is_in_page || s.block_size > page / 2);
        ASSERT_TRUE(run == 0 || at == end);
        if (run == 0) run = s.run_from(i);
        --run;
        end = at + s.block_size;
      }
      ASSERT_EQ(run, 0u);
      ASSERT_LE(end, s.slab_size);
      ASSERT_EQ(s.index_of(0), slab_shape::none);
      ASSERT_EQ(s.index_of(end), slab_shape::none);
      ASSERT_EQ(s.run_from(s.capacity), 0u);
    }
  }
}

TEST(slab_shape, tells_starts_of_blocks_by_one_multiplication) {
  const std::size_t page = os::page_size();
  for (std::size_t size = 8; size <= 2048; size += 8) {
    const slab_shape s = slab_shape::of({size, 8}, 64_KiB, page);
    for (std::size_t offset = 0; offset < 3 * page; ++offset) {
      const std::size_t in_page = offset % page;
      const bool is_start = in_page % size == 0 && in_page + size <= page && offset >= s.first;
      ASSERT_EQ(s.starts_block(offset), is_start) << size << " at " << offset;
    }
  }
}

TEST(pool, never_lets_a_block_cross_a_page) {
  for (const std::size_t size : {24u, 72u, 1000u, 2048u}) {
    pool p({size, 8});
    for (void* const b : take(p, 500)) {
      const std::uintptr_t first = address_of(b);
      EXPECT_EQ(first / os::page_size(), (first + size - 1) / os::page_size());
    }
  }
}

TEST(pool, gives_cache_lines_to_one_block_each) {
  pool p({20, 4}, {.cache_line = true});
  for (void* const b : take(p, 100)) EXPECT_TRUE(is_aligned(address_of(b), 64));
  EXPECT_EQ(p.block_size(), 64u);
}

TEST(pool, is_made_at_compile_time_and_costs_nothing_until_used) {
  static constinit pool p({32, 8});
  EXPECT_EQ(p.usage().held, 0u);
  void* const b = p.get();
  ASSERT_NE(b, nullptr);
  EXPECT_EQ(p.usage().held, slab_bytes);
  p.put(b);
}

// --- learning ------------------------------------------------------------------------------------

TEST(pool, learns_its_block_size_from_the_first_request) {
  pool p;
  EXPECT_EQ(p.get(), nullptr) << "it knows no size yet";
  EXPECT_TRUE(p.allocate({40, 8}));
  EXPECT_EQ(p.block_size(), 40u);
  EXPECT_TRUE(p.allocate({3, 1})) << "smaller requests are served";
  EXPECT_EQ(p.allocate({41, 8}).reason(), status::too_large);
  EXPECT_EQ(p.allocate({40, 16}).reason(), status::bad_alignment);
  EXPECT_NE(p.get(), nullptr);
}

TEST(pool, learns_nothing_from_a_request_that_failed) {
  test::counting_upstream upstream;
  pool p(learn, {.upstream = upstream});
  upstream.refuse_after(0);
  EXPECT_EQ(p.allocate({40, 8}).reason(), status::no_memory);
  EXPECT_EQ(p.allocate({40, 3}).reason(), status::bad_alignment);
  EXPECT_EQ(p.allocate({max_size, 8}).reason(), status::too_large);
  EXPECT_EQ(p.block_size(), 0u);
  upstream.accept_all();
  EXPECT_TRUE(p.allocate({100, 8}));
  EXPECT_EQ(p.block_size(), 104u);
}

TEST(pool, tells_what_is_wrong_with_its_own_layout) {
  pool odd({8, 24});
  EXPECT_EQ(odd.allocate({8, 8}).reason(), status::bad_alignment);
  EXPECT_EQ(odd.get(), nullptr);
  pool huge({max_size, 8});
  EXPECT_EQ(huge.allocate({8, 8}).reason(), status::too_large);
  EXPECT_TRUE(huge.check_invariants());
}

// --- slabs ---------------------------------------------------------------------------------------

TEST(pool, hands_out_the_block_that_came_back_last) {
  pool p({48, 8});
  const auto blocks = take(p, 10);
  p.put(blocks[3]);
  p.put(blocks[7]);
  EXPECT_EQ(p.get(), blocks[7]);
  EXPECT_EQ(p.get(), blocks[3]);
}

TEST(pool, keeps_as_many_empty_slabs_as_it_was_told) {
  const test::unwatched quiet;
  for (const std::uint32_t spare : {0u, 1u, 3u}) {
    test::counting_upstream upstream;
    pool p({1024, 8}, {.upstream = upstream, .spare = spare});
    auto blocks = take(p, 600);  // ten slabs
    EXPECT_EQ(upstream.bytes() / slab_bytes, 10u);
    for (void* const b : blocks) p.put(b);
    EXPECT_TRUE(p.check_invariants());
    const std::size_t held = p.usage().held;
    EXPECT_EQ(upstream.bytes() / slab_bytes, spare + 1) << "the current slab stays too";
    EXPECT_EQ(p.trim(), held);
    EXPECT_EQ(upstream.live(), 0u);
    EXPECT_TRUE(p.check_invariants());
  }
}

TEST(pool, trims_down_to_what_it_may_keep) {
  const test::unwatched quiet;
  test::counting_upstream upstream;
  pool p({1024, 8}, {.upstream = upstream, .spare = 5});
  for (void* const b : take(p, 600)) p.put(b);
  EXPECT_EQ(p.trim(max_size), 0u);
  EXPECT_EQ(p.trim(4 * slab_bytes - 1), 2 * slab_bytes);
  EXPECT_EQ(p.trim(slab_bytes), 3 * slab_bytes);
  EXPECT_NE(p.get(), nullptr);
  EXPECT_EQ(p.trim(), 0u) << "a block lives in it";
}

TEST(pool, fills_partial_slabs_before_it_takes_new_ones) {
  test::counting_upstream upstream;
  pool p({1024, 8}, {.upstream = upstream});
  auto blocks = take(p, 300);
  const std::size_t slabs = upstream.live();
  for (std::size_t i = 0; i < blocks.size(); i += 2) p.put(blocks[i]);
  (void)take(p, 150);
  EXPECT_EQ(upstream.live(), slabs);
  EXPECT_TRUE(p.check_invariants());
}

TEST(pool, takes_smaller_slabs_where_the_upstream_has_no_more) {
  test::counting_upstream upstream;
  upstream.limit(20'000);
  pool p({100, 4}, {.upstream = upstream});
  EXPECT_NE(p.get(), nullptr);
  EXPECT_EQ(p.usage().held, 16_KiB);
  pool fixed({100, 4}, {.upstream = upstream, .page_size = 64_KiB});
  EXPECT_EQ(fixed.allocate({1, 1}).reason(), status::not_enough_memory);
  EXPECT_EQ(fixed.allocate({1, 1}).would_fit(), 0u);
}

TEST(pool, works_over_an_upstream_that_cannot_align) {
  test::counting_upstream upstream;
  upstream.set_max_alignment(64);
  pool p({100, 4}, {.upstream = upstream, .page_size = 4_KiB});
  const auto blocks = take(p, 200);
  for (void* const b : blocks) EXPECT_TRUE(p.owns(b));
  EXPECT_TRUE(p.check_invariants());
  EXPECT_EQ(p.usage().held, upstream.bytes());
  for (void* const b : blocks) p.put(b);
  p.trim();
  EXPECT_EQ(upstream.live(), 0u);
}

TEST(pool, leaves_the_upstream_bare) {
  test::counting_upstream upstream;
  {
    pool p({16, 16}, {.upstream = upstream, .page_size = 4_KiB});
    (void)take(p, 20'000);  // so many slabs that the table of slabs grows
    EXPECT_TRUE(p.check_invariants());
    EXPECT_EQ(p.usage().held, upstream.bytes());
  }
  EXPECT_EQ(upstream.live(), 0u);
}

TEST(pool, takes_over_the_blocks_of_another) {
  test::counting_upstream upstream;
  pool to(learn, {.upstream = upstream});
  std::vector<void*> blocks;
  {
    pool from({64, 8}, {.upstream = upstream});
    blocks = take(from, 3000);
    from.put(blocks.back());
    blocks.pop_back();
    EXPECT_TRUE(to.adopt(from));
    EXPECT_EQ(from.usage().held, 0u);
    EXPECT_TRUE(from.check_invariants());
  }
  EXPECT_TRUE(to.check_invariants());
  EXPECT_EQ(to.usage().live_blocks, 2999u);
  for (void* const b : blocks) to.put(b);
  EXPECT_TRUE(to.check_invariants());
  EXPECT_EQ(to.usage().used, 0u);
}

TEST(pool, does_not_take_over_what_it_cannot) {
  test::counting_upstream upstream;
  pool small({64, 8}, {.upstream = upstream});
  pool large({128, 8}, {.upstream = upstream});
  pool elsewhere({64, 8});
  for (pool* const p : {&small, &large, &elsewhere}) ASSERT_NE(p->get(), nullptr);
  EXPECT_FALSE(small.adopt(large));
  EXPECT_FALSE(small.adopt(elsewhere));
  EXPECT_FALSE(small.adopt(small));
  for (pool* const p : {&small, &large, &elsewhere}) {
    EXPECT_EQ(p->usage().live_blocks, 1u);
    EXPECT_TRUE(p->check_invariants());
  }
}

// --- the walk ------------------------------------------------------------------------------------

TEST(pool, walks_over_what_lives_and_nothing_else) {
  pool p({8, 8}, {.page_size = 256_KiB});  // many more blocks in a slab than the walk's window
  auto blocks = take(p, 100'000);
  test::random_source random(1);
  std::set<void*> live(blocks.begin(), blocks.end());
  for (int i = 0; i < 60'000; ++i) {
    const std::size_t at = random.below(blocks.size());
    p.put(blocks[at]);
    live.erase(blocks[at]);
    blocks[at] = blocks.back();
    blocks.pop_back();
  }
  p.walk({&live, [](void* context, const walked_block& found) {
            EXPECT_EQ(static_cast<std::set<void*>*>(context)->erase(found.data), 1u);
            EXPECT_EQ(found.size, 8u);
            return true;
          }});
  EXPECT_TRUE(live.empty());
}

// --- against a model -----------------------------------------------------------------------------

TEST(pool, agrees_with_a_model_over_a_long_random_walk) {
  test::counting_upstream upstream;
  test::random_source random(7);
  pool p({56, 8}, {.upstream = upstream, .page_size = 4_KiB, .spare = 2});
  std::vector<std::pair<void*, std::uint64_t>> live;
  std::uint64_t stamp = 0;
  for (int step = 0; step < 20'000; ++step) {
    const bool grows = step / 2000 % 2 == 0;
    if (random.below(10) < (grows ? 6u : 4u)) {
      if (random.one_in(50)) upstream.refuse_after(0);
      if (void* const b = p.get(); b != nullptr) {
        test::fill_pattern(b, 56, ++stamp);
        live.emplace_back(b, stamp);
      }
      upstream.accept_all();
    } else if (!live.empty()) {
      const std::size_t at = random.below(live.size());
      ASSERT_TRUE(test::has_pattern(live[at].first, 56, live[at].second));
      p.put(live[at].first);
      live[at] = live.back();
      live.pop_back();
    }
    if (random.one_in(500)) (void)p.trim(random.below(5) * 4_KiB);
    ASSERT_EQ(p.usage().live_blocks, live.size());
    ASSERT_TRUE(p.check_invariants());
  }
}

TEST(pool, takes_no_slabs_beyond_a_gibibyte) {
  EXPECT_EQ(slab_shape::slab_size_for(static_cast<std::size_t>(-1), 4_KiB), 1_GiB);
  EXPECT_EQ(slab_shape::slab_size_for(8_GiB, 4_KiB), 1_GiB);
  EXPECT_EQ(slab_shape::slab_size_for(5000, 4_KiB), 8_KiB);
  EXPECT_EQ(slab_shape::slab_size_for(1, 4_KiB), 4_KiB);
}

}  // namespace
}  // namespace ashlar
