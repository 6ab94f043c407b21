// SPDX-License-Identifier: MIT
#include "ashlar/observe/sampling.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "support/scale.hpp"

namespace ashlar::observe {
namespace {

constexpr std::size_t mean = standard_sample_bytes;
constexpr std::size_t always = 0;  // as often, however fast the thread allocates

TEST(sampling, the_chance_is_that_of_a_poisson_process) {
  for (double size = 1; size < 1e9; size *= 1.37) {
    const auto covered = static_cast<std::size_t>(size);
    const double exact = -std::expm1(-static_cast<double>(covered) / static_cast<double>(mean));
    EXPECT_NEAR(sample_chance(covered, mean) / exact, 1, 1e-12) << covered;
  }
}

// Of so many bytes each that rounding does not show.
TEST(sampling, a_block_stands_for_as_many_as_its_chance_says) {
  constexpr auto huge = static_cast<double>(std::uint64_t{1} << 52);
  for (double size = 1; size < 1e9; size *= 1.37) {
    const auto covered = static_cast<std::size_t>(size);
    const double exact = -std::expm1(-static_cast<double>(covered) / static_cast<double>(mean));
    const block_weight w = weigh(static_cast<std::size_t>(huge / 1e6), covered, mean, {});
    EXPECT_NEAR(static_cast<double>(w.bytes) / (huge / 1e6) * exact, 1, 1e-9) << covered;
  }
}

TEST(sampling, a_usual_gap_has_the_chance_that_is_written_beside_it) {
  sample_points points;
  points.start(mean, always, 1);
  const double gap = static_cast<double>(points.usual_gap()) / static_cast<double>(mean);
  EXPECT_NEAR(sample_points::usual_chance, std::exp(-gap), 1e-15);
}

// Whether one looks at many blocks at once or at few: the mean, and how often none is hit.
TEST(sampling, blocks_before_a_point_are_as_many_as_chance_has_it) {
  constexpr std::size_t size = 512;
  for (const std::size_t stretch : {std::size_t{16}, mean / 8 / size, 3 * mean / size}) {
    sample_points points;
    points.start(mean, always, 42 + stretch);
    const std::size_t count = test::scaled(400'000);
    const auto n = static_cast<double>(count);
    double sum = 0;
    double all_clear = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t clear = points.clear_blocks(stretch, size);
      ASSERT_LE(clear, stretch);
      sum += static_cast<double>(clear);
      all_clear += clear == stretch ? 1 : 0;
    }
    const double each = std::exp(-static_cast<double>(size) / mean);
    const double all = std::pow(each, stretch);
    EXPECT_NEAR(all_clear / n, all, 5 * std::sqrt(all * (1 - all) / n)) << stretch;
    // The sum of the chances that the first, the first two, ... are clear.
    const double expected = each * (1 - all) / (1 - each);
    EXPECT_NEAR(sum / n / expected, 1, 5 / std::sqrt(n)) << stretch;
  }
}

TEST(sampling, hits_come_as_often_as_their_chance) {
  const std::size_t sizes[] = {16, 4096, 100'000, mean, 3 * mean};
  const std::size_t count = test::scaled(400'000);
  for (const std::size_t size : sizes) {
    sample_points points;
    points.start(mean, always, size);
    std::size_t found = 0;
    for (std::size_t i = 0; i < count; ++i) found += points.hits(size) ? 1 : 0;
    const double chance = sample_chance(size, mean);
    const double n = static_cast<double>(count);
    EXPECT_NEAR(static_cast<double>(found), n * chance, 5 * std::sqrt(n * chance) + 1) << size;
  }
}

TEST(sampling, threads_with_other_seeds_have_other_points) {
  sample_points a;
  sample_points b;
  a.start(mean, always, 1);
  b.start(mean, always, 2);
  EXPECT_NE(a.fraction(), b.fraction());
}

TEST(sampling, a_weight_is_what_the_chance_makes_it) {
  const block_weight w = weigh(100, 112, mean, {3, 7});
  const double times = 1 / sample_chance(112, mean);
  EXPECT_NEAR(static_cast<double>(w.bytes), 100 * times, 0.5);
  EXPECT_NEAR(static_cast<double>(w.blocks), times, 1);
}

TEST(sampling, a_block_weighs_the_same_whenever_asked) {
  for (std::uint8_t i = 0; i < 100; ++i) {
    const rounding by = {static_cast<std::uint8_t>(i % 32), i};
    EXPECT_EQ(weigh(mean, mean, mean, by).blocks, weigh(mean, mean, mean, by).blocks);
  }
}

// Large blocks stand for 1.58 of their kind: some for one, some for two.
TEST(sampling, rounding_of_counts_is_right_on_average) {
  const double times = 1 / sample_chance(mean, mean);
  const std::size_t count = test::scaled(200'000);
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i)
    sum += static_cast<double>(
        weigh(mean, mean, mean, {static_cast<std::uint8_t>(i % 32), 0x7f0000001000 + i * 4096})
            .blocks);
  const auto n = static_cast<double>(count);
  EXPECT_NEAR(sum / n, times, 5 * 0.5 / std::sqrt(n));
}

TEST(sampling, very_large_blocks_are_always_sampled_and_count_once) {
  sample_points points;
  points.start(mean, always, 3);
  const std::size_t size = 100 * mean;
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(points.hits(size).is_hit);
  EXPECT_EQ(weigh(size, size, mean, {5, 9}).blocks, 1u);
  EXPECT_EQ(weigh(size, size, mean, {5, 9}).bytes, size);
}

}  // namespace
}  // namespace ashlar::observe
