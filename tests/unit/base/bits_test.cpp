// SPDX-License-Identifier: MIT
// Arithmetic on sizes at its edges.
#include "ashlar/base/bits.hpp"

#include <gtest/gtest.h>

#include "ashlar/base/block.hpp"

namespace ashlar {
namespace {

constexpr std::size_t largest = static_cast<std::size_t>(-1);

TEST(bits, knows_powers_of_two) {
  EXPECT_FALSE(is_power_of_two(0));
  EXPECT_TRUE(is_power_of_two(1));
  EXPECT_FALSE(is_power_of_two(3));
  EXPECT_TRUE(is_power_of_two(std::size_t{1} << 63));
  EXPECT_FALSE(is_power_of_two(largest));
}

TEST(bits, aligns_up_and_down) {
  EXPECT_EQ(align_up(0, 16), 0u);
  EXPECT_EQ(align_up(1, 16), 16u);
  EXPECT_EQ(align_up(16, 16), 16u);
  EXPECT_EQ(align_up(17, 1), 17u);
  EXPECT_EQ(align_down(31, 16), 16u);
  EXPECT_EQ(align_down(15, 16), 0u);
  EXPECT_EQ(align_up(largest, 4096), 0u) << "wraps, as documented";
  EXPECT_TRUE(is_aligned(0, 4096));
  EXPECT_FALSE(is_aligned(4097, 4096));
}

TEST(bits, divides_up_without_overflow) {
  EXPECT_EQ(divide_up(0, 8), 0u);
  EXPECT_EQ(divide_up(8, 8), 1u);
  EXPECT_EQ(divide_up(9, 8), 2u);
  EXPECT_EQ(divide_up(largest, 2), largest / 2 + 1);
}

TEST(bits, takes_logarithms) {
  EXPECT_EQ(log2_floor(1), 0u);
  EXPECT_EQ(log2_floor(4095), 11u);
  EXPECT_EQ(log2_floor(4096), 12u);
  EXPECT_EQ(log2_floor(largest), 63u);
}

TEST(bits, sees_overflow) {
  std::size_t result = 0;
  EXPECT_TRUE(checked_multiply(largest / 2, 2, result));
  EXPECT_EQ(result, largest - 1);
  EXPECT_FALSE(checked_multiply(largest / 2 + 1, 2, result));
  EXPECT_TRUE(checked_add(largest - 1, 1, result));
  EXPECT_EQ(result, largest);
  EXPECT_FALSE(checked_add(largest, 1, result));
}

TEST(bits, converts_addresses_both_ways) {
  const int local = 0;
  EXPECT_EQ(at_address(address_of(&local)), reinterpret_cast<const std::byte*>(&local));
}

TEST(layout, is_valid_with_a_power_of_two_and_a_possible_size) {
  EXPECT_TRUE((layout{}.is_valid()));
  EXPECT_TRUE((layout{max_size, 1}.is_valid()));
  EXPECT_FALSE((layout{max_size + 1, 1}.is_valid()));
  EXPECT_FALSE((layout{8, 0}.is_valid()));
  EXPECT_FALSE((layout{8, 24}.is_valid()));
}

TEST(bits, a_capped_sum_does_not_get_small) {
  EXPECT_EQ(capped_sum(2, 3), 5u);
  constexpr std::uint64_t most = ~std::uint64_t{0};
  EXPECT_EQ(capped_sum(most - 3, 3), most);
  EXPECT_EQ(capped_sum(most - 3, 4), most);
  EXPECT_EQ(capped_sum(most, most), most);
}

}  // namespace
}  // namespace ashlar
