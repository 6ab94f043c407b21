// SPDX-License-Identifier: MIT
#include "ashlar/observe/table/range_set.hpp"

#include <gtest/gtest.h>

namespace ashlar::observe {
namespace {

os::range from_to(std::uintptr_t begin, std::uintptr_t end) {
  return {at_address(begin), end - begin};
}

TEST(range_set, finds_the_range_that_an_address_lies_in) {
  range_set ranges(10);
  for (const std::uintptr_t begin : {5000u, 1000u, 3000u})
    ASSERT_TRUE(ranges.add(from_to(begin, begin + 1000)));
  ranges.sort();
  for (const std::uintptr_t begin : {1000u, 3000u, 5000u}) {
    for (const std::uintptr_t inside : {begin, begin + 999}) {
      ASSERT_NE(ranges.around(inside), nullptr);
      EXPECT_EQ(address_of(ranges.around(inside)->data), begin);
    }
    EXPECT_EQ(ranges.around(begin - 1), nullptr);
    EXPECT_EQ(ranges.around(begin + 1000), nullptr);
  }
  EXPECT_EQ(address_of(ranges.first_behind(0)->data), 1000u);
  EXPECT_EQ(address_of(ranges.first_behind(2000)->data), 3000u);
  EXPECT_EQ(ranges.first_behind(6000), ranges.end());
}

TEST(range_set, keeps_neighbours_apart_until_they_are_joined) {
  range_set ranges(10);
  // Two that touch, one inside the first, one that overlaps the second, one apart.
  for (const os::range each : {from_to(2000, 3000), from_to(1000, 2000), from_to(1200, 1300),
                               from_to(2500, 3500), from_to(4000, 5000)})
    ASSERT_TRUE(ranges.add(each));
  EXPECT_EQ(ranges.count(), 5u);
  ranges.join();
  EXPECT_EQ(ranges.count(), 2u);
  ASSERT_NE(ranges.around(1999), nullptr);
  EXPECT_EQ(ranges.around(1999), ranges.around(3499));
  EXPECT_EQ(address_of(ranges.around(1000)->end()), 3500u);
  EXPECT_EQ(ranges.around(3500), nullptr);
  EXPECT_NE(ranges.around(4000), nullptr);
}

TEST(range_set, an_empty_range_is_none_and_an_empty_set_holds_nothing) {
  range_set ranges(1);
  EXPECT_TRUE(ranges.add({}));
  ranges.join();
  EXPECT_EQ(ranges.count(), 0u);
  EXPECT_EQ(ranges.around(1000), nullptr);
  EXPECT_FALSE(ranges.reserved());
}

TEST(range_set, refuses_more_than_it_has_room_for) {
  range_set ranges(2);
  EXPECT_TRUE(ranges.add(from_to(1000, 2000)));
  EXPECT_TRUE(ranges.add(from_to(3000, 4000)));
  EXPECT_FALSE(ranges.add(from_to(5000, 6000)));
  EXPECT_EQ(ranges.count(), 2u);
}

}  // namespace
}  // namespace ashlar::observe
