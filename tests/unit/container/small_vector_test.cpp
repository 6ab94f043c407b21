// SPDX-License-Identifier: MIT
#include "ashlar/small_vector.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "ashlar/arena.hpp"
#include "ashlar/manager/source/default_manager.hpp"
#include "support/ledger.hpp"
#include "support/tracked.hpp"

namespace ashlar {
namespace {

using test::ledger;
using test::tracked;
using test::tracked_scope;

TEST(small_vector, asks_no_manager_for_its_first_elements) {
  const tracked_scope elements;
  ledger from;
  small_vector<tracked<>, 4> v(from);
  for (int i = 0; i < 4; ++i) v.emplace_back(i);
  EXPECT_TRUE(v.is_inline());
  EXPECT_EQ(from.allocations, 0u);
  v.emplace_back(4);
  EXPECT_FALSE(v.is_inline());
  EXPECT_EQ(from.allocations, 1u);
  EXPECT_EQ(v, (small_vector<tracked<>, 4>{0, 1, 2, 3, 4}));
}

TEST(small_vector, moves_back_into_itself_when_it_shrinks) {
  ledger from;
  small_vector<std::string, 2> v({"a", "b", "c", "d"}, from);
  v.pop_back();
  v.shrink_to_fit();
  EXPECT_EQ(v.capacity(), 3u);
  v.pop_back();
  v.shrink_to_fit();
  EXPECT_TRUE(v.is_inline());
  EXPECT_EQ(from.live_blocks(), 0u);
  EXPECT_EQ(v, (small_vector<std::string, 2>{"a", "b"}));
  v.shrink_to_fit();
  EXPECT_TRUE(v.is_inline());
}

TEST(small_vector, moves_short_ones_by_element_and_long_ones_by_block) {
  const tracked_scope elements;
  ledger a;
  ledger b;
  using list = small_vector<tracked<>, 2>;
  list short_one({1, 2}, a);
  list taken = std::move(short_one);
  EXPECT_EQ(taken, (list{1, 2}));
  EXPECT_TRUE(short_one.empty());

  list long_one({1, 2, 3}, a);
  const auto* const first = long_one.data();
  list target({7, 8, 9}, b);
  target = std::move(long_one);
  EXPECT_EQ(target.data(), first);
  EXPECT_EQ(target.get_memory(), memory(a));
  EXPECT_EQ(b.live_blocks(), 0u);
  EXPECT_TRUE(long_one.empty() && long_one.is_inline());
  long_one.emplace_back(5);
  swap(long_one, target);
  EXPECT_EQ(target, (list{5}));
  EXPECT_EQ(long_one, (list{1, 2, 3}));
}

TEST(small_vector, is_copied_and_assigned) {
  ledger from;
  using list = small_vector<std::string, 2>;
  const list v({"a", "b", "c"}, from);
  const list copy = v;
  EXPECT_EQ(copy, v);
  EXPECT_EQ(copy.get_memory(), memory(default_manager()));
  list target(from);
  target = v;
  EXPECT_EQ(target, v);
  target = {"z"};
  EXPECT_EQ(target, (list{"z"}));
  EXPECT_EQ((list(3, "x", from)), (list{"x", "x", "x"}));
}

TEST(small_vector, appends_its_own_elements_while_it_leaves_itself) {
  small_vector<std::string, 2> v = {"long enough to lie in memory of its own", "b"};
  v.push_back(v[0]);
  EXPECT_EQ(v[2], v[0]);
  small_vector<int, 2> numbers = {1, 2};
  numbers.push_back(numbers[1]);
  EXPECT_EQ(numbers, (small_vector<int, 2>{1, 2, 2}));
}

TEST(small_vector, stays_as_it_is_when_memory_is_refused) {
  ledger from;
  from.budget = 0;
  small_vector<std::string, 2> v({"a", "b"}, from);
  EXPECT_EQ(v.try_push_back("c"), status::not_enough_memory);
  EXPECT_THROW(v.resize(3), std::bad_alloc);
  EXPECT_EQ(v, (small_vector<std::string, 2>{"a", "b"}));
}

TEST(small_vector, survives_a_copy_that_throws_while_it_leaves_itself) {
  using element = tracked<test::moves::may_throw>;
  for (std::size_t n = 1; n <= 3; ++n) {
    const tracked_scope elements;
    ledger from;
    small_vector<element, 2> v({1, 2}, from);
    const element extra(3);
    test::tracked_now.until_throw = n;
    EXPECT_THROW(v.push_back(extra), test::copy_refused);
    EXPECT_TRUE(v.is_inline());
    EXPECT_EQ(v, (small_vector<element, 2>{1, 2}));
  }
}

TEST(small_vector, moves_to_another_manager_and_swaps_as_vector_does) {
  arena here;
  arena there;
  for (const int count : {2, 20}) {
    small_vector<std::unique_ptr<int>, 4> from(here);
    for (int i = 0; i < count; ++i) from.push_back(std::make_unique<int>(i));
    small_vector<std::unique_ptr<int>, 4> to(std::move(from), there);
    EXPECT_EQ(to.get_memory(), memory(there));
    ASSERT_EQ(to.size(), static_cast<std::size_t>(count));
    EXPECT_EQ(*to.back(), count - 1);
    small_vector<std::unique_ptr<int>, 4> other(here);
    other.swap(to);
    EXPECT_TRUE(to.empty());
    EXPECT_EQ(*other.back(), count - 1);
    EXPECT_EQ(other.get_memory(), memory(there));
  }
}

}  // namespace
}  // namespace ashlar
