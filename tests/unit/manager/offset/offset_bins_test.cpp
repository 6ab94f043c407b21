// SPDX-License-Identifier: MIT
// The rounding of sizes to bins, checked as properties: for every small size and around every
// border of every bin.
#include "ashlar/manager/offset/offset_bins.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <set>

#include "support/random.hpp"

namespace ashlar {
namespace {

using namespace offset_bins;

/// Calls `check` with all sizes up to 100,000, those around each bin's first one, and random ones.
template <class Check>
void for_many_sizes(Check check) {
  for (std::uint64_t units = 1; units <= 100'000; ++units) check(units);
  for (std::uint32_t bin = 1; bin < bin_count; ++bin)
    for (const std::uint64_t units : {smallest_in(bin) - 1, smallest_in(bin), smallest_in(bin) + 1})
      if (units != 0 && units <= max_units) check(units);
  check(max_units);
  test::random_source random(1);
  for (int i = 0; i < 100'000; ++i) check((random.next() >> 1 >> random.below(63)) | 1);
}

TEST(offset_bins, hold_the_sizes_between_their_first_one_and_the_next_bins) {
  for_many_sizes([](std::uint64_t units) {
    const std::uint32_t bin = bin_of(units);
    ASSERT_LT(bin, bin_count);
    ASSERT_LE(smallest_in(bin), units);
    ASSERT_GT(smallest_in(bin + 1), units);
  });
}

TEST(offset_bins, found_by_rounding_up_hold_only_sizes_that_suffice) {
  for_many_sizes([](std::uint64_t units) {
    const std::uint32_t bin = bin_of_at_least(units);
    ASSERT_GE(smallest_in(bin), units);
    ASSERT_LT(smallest_in(bin - 1), units) << "the bin below would have done";
    ASSERT_LE(bin - bin_of(units), 1u) << "only the size's own bin may be stepped over";
  });
}

TEST(offset_bins, are_ordered_as_sizes_are) {
  std::uint32_t previous = 0;
  for (std::uint64_t units = 1; units <= 100'000; ++units) {
    ASSERT_GE(bin_of(units), previous);
    previous = bin_of(units);
  }
  for (std::uint32_t bin = 1; bin < bin_count; ++bin)
    ASSERT_LT(smallest_in(bin - 1), smallest_in(bin));
}

TEST(offset_bins, differ_by_less_than_a_sixteenth_inside) {
  for (std::uint32_t bin = 1; bin < bin_count; ++bin) {
    const std::uint64_t width = smallest_in(bin + 1) - smallest_in(bin);
    ASSERT_LE(width, bin < 32 ? 1 : smallest_in(bin) / 16);
  }
}

TEST(offset_bins, end_with_the_largest_size_and_do_not_overflow) {
  EXPECT_EQ(bin_of(max_units), bin_count - 1);
  EXPECT_EQ(smallest_in(bin_count), max_units + 1);
  EXPECT_EQ(bin_of_at_least(smallest_in(bin_count - 1)), bin_count - 1);
  EXPECT_EQ(bin_of_at_least(smallest_in(bin_count - 1) + 1), bin_count) << "no bin suffices";
  EXPECT_EQ(bin_of_at_least(~std::uint64_t{0}), bin_count);
}

TEST(bin_set, finds_the_first_and_the_last_as_a_plain_set_does) {
  const auto bins = std::make_unique<bin_set>();
  std::set<std::uint32_t> model;
  test::random_source random(2);
  for (int step = 0; step < 20'000; ++step) {
    const auto bin = static_cast<std::uint32_t>(random.below(bin_count));
    if (random.one_in(2)) {
      bins->insert(bin);
      model.insert(bin);
    } else {
      bins->erase(bin);
      model.erase(bin);
    }
    const auto from = static_cast<std::uint32_t>(random.below(bin_count + 1));
    const auto next = model.lower_bound(from);
    ASSERT_EQ(bins->first_from(from), next == model.end() ? bin_set::none : *next);
    ASSERT_EQ(bins->last_below(from), next == model.begin() ? bin_set::none : *std::prev(next));
    ASSERT_EQ(bins->has(bin), model.contains(bin));
    ASSERT_TRUE(bins->is_tidy());
    if (random.one_in(500))
      for (const std::uint32_t b : std::set(model)) bins->erase(b), model.erase(b);
  }
}

TEST(bin_set, holds_the_last_bin) {
  bin_set bins{};
  bins.insert(bin_count - 1);
  EXPECT_EQ(bins.first_from(0), bin_count - 1);
  EXPECT_EQ(bins.first_from(bin_count - 1), bin_count - 1);
  EXPECT_EQ(bins.first_from(bin_count), bin_set::none);
  EXPECT_EQ(bins.last_below(bin_count), bin_count - 1);
}

}  // namespace
}  // namespace ashlar
