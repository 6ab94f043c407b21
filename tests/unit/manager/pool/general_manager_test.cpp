// SPDX-License-Identifier: MIT
// Where the general manager puts blocks of each size, and what it does with large ones.
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "ashlar/base/units.hpp"
#include "ashlar/general.hpp"
#include "ashlar/sources.hpp"
#include "support/counters.hpp"
#include "support/fake_os.hpp"
#include "support/fault_log.hpp"
#include "support/random.hpp"
#include "support/unwatched.hpp"

namespace ashlar {
namespace {

std::size_t page_of(const void* p) { return address_of(p) / os::page_size(); }

TEST(general_manager, keeps_small_blocks_inside_a_page) {
  general_manager g;
  for (std::size_t size = 1; size <= os::page_size() / 2; size += 37) {
    for (int i = 0; i < 5; ++i) {
      const allocation a = g.allocate({size, 8});
      EXPECT_EQ(page_of(a.data()), page_of(static_cast<std::byte*>(a.data()) + size - 1));
    }
  }
}

TEST(general_manager, puts_large_blocks_at_the_start_of_a_page) {
  const test::unwatched quiet;  // under a tool, a block is what was asked for
  general_manager g;
  const allocation a = g.allocate({300'000, 8}, fit::get_no_less);
  EXPECT_TRUE(is_aligned(address_of(a.data()) | a.size(), os::page_size()));
  EXPECT_TRUE(g.owns(static_cast<std::byte*>(a.data()) + 299'999));
  EXPECT_FALSE(g.owns(static_cast<std::byte*>(a.data()) + a.size()));
  EXPECT_EQ(g.usable_size(a.data()), a.size());
}

TEST(general_manager, tells_what_would_fit_at_the_alignment_that_was_asked_for) {
  std::vector<std::byte> memory(4_MiB);
  user_block_os os({.memory = {memory.data(), memory.size()}});
  general_manager g({.os = &os});
  const allocation refused = g.allocate({memory.size(), 1_MiB});
  EXPECT_EQ(refused.reason(), status::not_enough_memory);
  const allocation a = g.allocate({refused.would_fit(), 1_MiB});
  EXPECT_TRUE(a);
  g.deallocate(a.get(), 1_MiB);
}

TEST(general_manager, frees_blocks_of_each_size_without_a_size) {
  general_manager g;
  std::vector<void*> blocks;
  for (const std::size_t size : {1u, 100u, 3000u, 50'000u, 262'144u, 262'145u, 5'000'000u})
    blocks.push_back(g.allocate({size, 8}).data());
  EXPECT_EQ(g.usage().live_blocks, 7u);
  for (void* const b : blocks) g.deallocate(b);
  EXPECT_EQ(g.usage().used, 0u);
  EXPECT_TRUE(g.check_invariants());
}

TEST(general_manager, hands_out_first_what_was_freed_last) {
  const test::unwatched quiet;  // under a tool, blocks rest
  general_manager g;
  const allocation a = g.allocate({48, 8});
  const allocation b = g.allocate({48, 8});
  g.deallocate(a.data());
  g.deallocate(b.data());
  EXPECT_EQ(g.allocate({48, 8}).data(), b.data());
  EXPECT_EQ(g.allocate({40, 8}).data(), a.data());
}

TEST(general_manager, gives_pages_of_a_shrinking_large_block_back_and_takes_them_again) {
  general_manager g;
  const allocation a = g.allocate({1_MiB, 8});
  std::memset(a.data(), 1, 1_MiB);
  const std::size_t held = g.usage().held;
  const allocation less = g.reallocate({a.data(), 1_MiB}, 8, {.size = 300'000});
  EXPECT_EQ(less.data(), a.data());
  EXPECT_LE(g.usage().held, held - 700'000);
  const allocation more = g.reallocate(less.get(), 8, {.size = 1_MiB, .may_move = false});
  EXPECT_EQ(more.data(), a.data());
  EXPECT_EQ(static_cast<unsigned char*>(more.data())[299'999], 1);
  static_cast<unsigned char*>(more.data())[1_MiB - 1] = 2;
  EXPECT_EQ(g.reallocate(more.get(), 8, {.size = 2_MiB, .may_move = false}).reason(),
            status::unsupported);
  const allocation moved = g.reallocate(more.get(), 8, {.size = 2_MiB});
  EXPECT_EQ(static_cast<unsigned char*>(moved.data())[1_MiB - 1], 2);
  EXPECT_TRUE(g.check_invariants());
}

TEST(general_manager, clears_nothing_that_is_fresh_from_the_os) {
  general_manager g;
  const allocation a = g.allocate_zeroed({64_MiB, 8});
  ASSERT_TRUE(a);
  EXPECT_LT(os::resident_bytes({static_cast<std::byte*>(a.data()), 64_MiB}), 1_MiB);
}

TEST(general_manager, reports_what_it_did_not_hand_out) {
  test::fault_log faults;
  general_manager g;
  general_manager other;
  const allocation large = g.allocate({1_MiB, 8});
  const allocation small = g.allocate({100, 8});
  const allocation foreign = other.allocate({1_MiB, 8});
  void* const inside = static_cast<std::byte*>(large.data()) + 64;
  g.deallocate(inside);
  EXPECT_TRUE(faults.took(fault_kind::interior_free, inside));
  g.deallocate(foreign.data());
  EXPECT_TRUE(faults.took(fault_kind::invalid_free, foreign.data()));
  g.deallocate({small.data(), 1_MiB}, 8);
  EXPECT_TRUE(faults.took(fault_kind::size_mismatch, small.data()));
  g.deallocate({large.data(), 100}, 8);
  EXPECT_TRUE(faults.took(fault_kind::invalid_free, large.data()));
  g.deallocate(large.data());
  g.deallocate(large.data());
  EXPECT_TRUE(faults.took(fault_kind::invalid_free, large.data()));
  EXPECT_TRUE(g.check_invariants());
}

TEST(general_manager, gives_all_back_to_the_os) {
  const test::counter_watch watch;
  {
    general_manager g;
    for (std::size_t size = 1; size < 2_MiB; size = size * 3 / 2 + 1) (void)g.allocate({size, 8});
    g.free_all();
    EXPECT_EQ(g.usage().used, 0u);
    EXPECT_TRUE(g.check_invariants());
    EXPECT_TRUE(g.allocate({1_MiB, 8}));
  }
  watch.expect(0, 0);
}

TEST(general_manager, is_made_at_compile_time) {
  static constinit general_manager g;
  EXPECT_EQ(g.usage().held, 0u);
  const allocation a = g.allocate({1, 1});
  g.deallocate(a.data());
}

TEST(general_manager, resize_of_what_is_no_block_of_it_is_a_fault) {
  test::fault_log faults;
  general_manager g;
  ASSERT_TRUE(g.allocate({16}));
  alignas(16) static std::byte foreign[64];
  for (const std::size_t size : {12, 100, 1 << 20}) {
    EXPECT_EQ(g.reallocate({foreign, 8}, 8, {.size = size}).reason(), status::unsupported);
    EXPECT_TRUE(faults.took(fault_kind::invalid_resize, foreign));
  }
  EXPECT_EQ(g.usage().live_blocks, 1u);
}

}  // namespace
}  // namespace ashlar
