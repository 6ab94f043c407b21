// SPDX-License-Identifier: MIT
#include "tools/ashlar/report/units.hpp"

#include <gtest/gtest.h>

namespace ashlar::tool {
namespace {

TEST(units, groups_thousands_with_spaces) {
  EXPECT_EQ(group_digits(0), "0");
  EXPECT_EQ(group_digits(999), "999");
  EXPECT_EQ(group_digits(1'000), "1 000");
  EXPECT_EQ(group_digits(1'103'517), "1 103 517");
  EXPECT_EQ(group_digits(UINT64_MAX), "18 446 744 073 709 551 615");
}

TEST(units, picks_the_largest_unit_that_leaves_two_digits) {
  EXPECT_STREQ(pick_scale(0, unit_system::iec).name, "B");
  EXPECT_STREQ(pick_scale(10 * 1024 - 1, unit_system::iec).name, "B");
  EXPECT_STREQ(pick_scale(10 * 1024, unit_system::iec).name, "KiB");
  EXPECT_STREQ(pick_scale((10ULL << 20) - 1, unit_system::iec).name, "KiB");
  EXPECT_STREQ(pick_scale(10ULL << 20, unit_system::iec).name, "MiB");
  EXPECT_STREQ(pick_scale(10ULL << 30, unit_system::iec).name, "GiB");
  EXPECT_STREQ(pick_scale(10'000'000, unit_system::si).name, "MB");
  EXPECT_STREQ(pick_scale(UINT64_MAX, unit_system::bytes).name, "B");
}

TEST(units, writes_sizes_that_stand_alone) {
  EXPECT_EQ(format_size(0, unit_system::iec), "0 B");
  EXPECT_EQ(format_size(8'192, unit_system::iec), "8 192 B");
  EXPECT_EQ(format_size(390'144, unit_system::iec), "381 KiB");
  EXPECT_EQ(format_size(18ULL << 20, unit_system::iec), "18.0 MiB");
  EXPECT_EQ(format_size(3ULL << 30, unit_system::iec), "3.00 GiB");
  EXPECT_EQ(format_size(1'500'000, unit_system::si), "1.5 MB");
  EXPECT_EQ(format_size(1'500'000, unit_system::bytes), "1 500 000 B");
}

TEST(units, writes_round_sizes_without_decimals) {
  EXPECT_EQ(format_round_size(4096), "4 KiB");
  EXPECT_EQ(format_round_size(5ULL << 20), "5 MiB");
  EXPECT_EQ(format_round_size(1'000), "1 000 B");
  EXPECT_EQ(format_round_size(0), "0 B");
}

TEST(units, writes_negative_numbers_and_keeps_leading_zeros_of_decimals) {
  const scale mebi{1ULL << 20, "MiB", 1};
  EXPECT_EQ(format_last_digits(14'540, mebi), "1 454.0");
  EXPECT_EQ(format_last_digits(-3, mebi), "-0.3");
  const scale gibi{1ULL << 30, "GiB", 2};
  EXPECT_EQ(format_last_digits(1'405, gibi), "14.05");
}

TEST(units, writes_durations_in_three_digits_or_so) {
  EXPECT_EQ(format_duration(0), "0.0 ms");
  EXPECT_EQ(format_duration(1'230'000), "1.2 ms");
  EXPECT_EQ(format_duration(94'000'000), "94 ms");
  EXPECT_EQ(format_duration(1'920'000'000), "1.92 s");
  EXPECT_EQ(format_duration(92'400'000'000), "92.4 s");
  EXPECT_EQ(format_duration(181'000'000'000), "3 min 01 s");
  EXPECT_EQ(format_duration(7'261'000'000'000), "2 h 01 min");
}

TEST(units, never_rounds_a_share_to_a_false_nothing_or_everything) {
  EXPECT_EQ(format_percent(0, 10), "0%");
  EXPECT_EQ(format_percent(1, 1'000), "<1%");
  EXPECT_EQ(format_percent(999, 1'000), ">99%");
  EXPECT_EQ(format_percent(10, 10), "100%");
  EXPECT_EQ(format_percent(1, 0), "-");
}

}  // namespace
}  // namespace ashlar::tool
