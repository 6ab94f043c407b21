// SPDX-License-Identifier: MIT
#include "ashlar/stack.hpp"

#include <gtest/gtest.h>

#include "ashlar/manager/source/default_manager.hpp"
#include "support/fault_log.hpp"
#include "support/pattern.hpp"

namespace ashlar {
namespace {

TEST(stack_manager, gives_the_memory_of_each_block_back_at_once) {
  stack_manager s;
  const block low = s.allocate({100, 8}).get();
  const std::size_t used = s.usage().used;
  const block high = s.allocate({100, 64}).get();
  s.deallocate(high, 64);
  EXPECT_EQ(s.usage().used, used);
  EXPECT_EQ(s.allocate({100, 64}).data(), high.data);
  s.deallocate(high, 64);
  s.deallocate(low, 8);
  EXPECT_EQ(s.usage().used, 0u);
  EXPECT_EQ(s.usage().live_blocks, 0u);
}

TEST(stack_manager, block_that_is_not_the_last_is_a_fault_and_stays) {
  test::fault_log faults;
  stack_manager s;
  const block low = s.allocate({100, 8}).get();
  const block high = s.allocate({100, 8}).get();
  test::fill_pattern(low.data, 100, 1);
  s.deallocate(low, 8);
  EXPECT_TRUE(faults.took(fault_kind::out_of_order_free, low.data));
  EXPECT_EQ(s.usage().live_blocks, 2u);
  s.deallocate(high, 8);
  EXPECT_TRUE(test::has_pattern(low.data, 100, 1));
  s.deallocate(high, 8);
  EXPECT_TRUE(faults.took(fault_kind::out_of_order_free, high.data));
  s.deallocate(low, 8);
  EXPECT_EQ(faults.count(), 0u);
  s.deallocate(low, 8);
  EXPECT_TRUE(faults.took(fault_kind::out_of_order_free, low.data));
}

TEST(stack_manager, last_block_that_has_to_move_keeps_its_place_in_the_order) {
  stack_manager s({.kind = backing::chained,
                   .growth = {.first = 1024, .cap = 16384},
                   .upstream = default_manager()});
  const block low = s.allocate({100, 8}).get();
  block high = s.allocate({500, 8}).get();
  test::fill_pattern(high.data, 500, 2);
  const allocation moved = s.reallocate(high, 8, {.size = 3000});
  ASSERT_TRUE(moved);
  EXPECT_NE(moved.data(), high.data);
  EXPECT_TRUE(test::has_pattern(moved.data(), 500, 2));
  EXPECT_EQ(s.usage().live_blocks, 2u);
  EXPECT_TRUE(s.check_invariants());
  s.deallocate(moved.get(), 8);
  s.deallocate(low, 8);
  EXPECT_EQ(s.usage().used, 0u);
}

TEST(stack_manager, rewinds_over_a_block_that_moved_above_the_mark) {
  stack_manager s({.kind = backing::chained,
                   .growth = {.first = 1024, .cap = 16384},
                   .upstream = default_manager()});
  const block low = s.allocate({100, 8}).get();
  const block high = s.allocate({500, 8}).get();
  const mark place = s.here();
  ASSERT_NE(s.reallocate(high, 8, {.size = 3000}).data(), high.data);
  s.rewind(place);  // the block lies above the mark now
  EXPECT_TRUE(s.check_invariants());
  EXPECT_EQ(s.usage().live_blocks, 1u);
  s.deallocate(low, 8);
  EXPECT_EQ(s.usage().used, 0u);
}

TEST(stack_manager, resizes_a_lower_block_only_to_less) {
  stack_manager s;
  const block low = s.allocate({100, 8}).get();
  (void)s.allocate({100, 8});
  EXPECT_EQ(s.reallocate(low, 8, {.size = 50}).data(), low.data);
  EXPECT_EQ(s.reallocate(low, 8, {.size = 200}).reason(), status::unsupported);
}

TEST(stack_manager, resize_of_what_is_no_block_of_it_is_a_fault) {
  test::fault_log faults;
  stack_manager s;
  ASSERT_TRUE(s.allocate({100}));
  alignas(16) static std::byte foreign[64];
  EXPECT_EQ(s.reallocate({foreign, 8}, 8, {.size = 4}).reason(), status::unsupported);
  EXPECT_TRUE(faults.took(fault_kind::invalid_resize, foreign));
}

}  // namespace
}  // namespace ashlar
