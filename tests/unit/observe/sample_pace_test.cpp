// SPDX-License-Identifier: MIT
#include "ashlar/observe/sample_pace.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "ashlar/observe/sampling.hpp"
#include "support/scale.hpp"

namespace ashlar::observe {
namespace {

constexpr std::size_t mean = standard_sample_bytes;
constexpr double allowed = static_cast<double>(standard_sample_up_to) / mean;  // samples a second
constexpr double second = 1e9;

sample_pace standard_pace() {
  sample_pace pace;
  pace.allow(standard_sample_up_to, mean);
  return pace;
}

/// Lets a thread allocate that much a second for some seconds, from `now` on. Returns how many
/// samples it takes.
double allocate(sample_pace& pace, double& now, double bytes_a_second, double seconds) {
  double count = 0;
  for (const double end = now + seconds * second; now < end; ++count) {
    now += static_cast<double>(mean << pace.doublings()) / bytes_a_second * second;
    pace.take(static_cast<std::uint64_t>(now));
  }
  return count;
}

TEST(sample_pace, a_thread_that_allocates_what_is_allowed_is_left_alone) {
  sample_pace pace = standard_pace();
  double now = 1e15;
  (void)allocate(pace, now, 0.99 * static_cast<double>(standard_sample_up_to), 10);
  EXPECT_EQ(pace.doublings(), 0);
}

// Points fall at random, so samples come in swarms.
TEST(sample_pace, samples_at_random_at_three_quarters_of_it_are_left_alone) {
  sample_pace pace = standard_pace();
  std::mt19937_64 random(7);
  std::exponential_distribution<double> gap(0.75 * allowed / second);
  double now = 1e15;
  for (int i = 0; i < 1'000'000; ++i) {
    now += gap(random);
    pace.take(static_cast<std::uint64_t>(now));
    ASSERT_EQ(pace.doublings(), 0) << i;
  }
}

TEST(sample_pace, a_burst_is_left_alone) {
  sample_pace pace = standard_pace();
  for (int i = 0; i < 32; ++i) {
    EXPECT_EQ(pace.doublings(), 0) << i;
    pace.take(1000);
  }
}

TEST(sample_pace, at_any_speed_a_thread_comes_to_rest_where_it_takes_what_is_allowed) {
  for (double times = 2; times < 4000; times *= 3) {
    sample_pace pace = standard_pace();
    double now = 1e15;
    const double speed = times * static_cast<double>(standard_sample_up_to);
    const double at_first = allocate(pace, now, speed, 0.5);
    EXPECT_LT(at_first, allowed / 2 + 32 + 8 * (std::log2(times) + 2)) << times;
    EXPECT_NEAR(allocate(pace, now, speed, 4) / 4, allowed, allowed / 50) << times;
    EXPECT_NEAR(pace.doublings(), std::log2(times), 1) << times;
  }
}

TEST(sample_pace, the_mean_falls_again_when_the_thread_slows_down) {
  sample_pace pace = standard_pace();
  double now = 1e15;
  (void)allocate(pace, now, 1e12, 1);
  ASSERT_GE(pace.doublings(), 8);
  pace.take(static_cast<std::uint64_t>(now + second / 10));
  EXPECT_EQ(pace.doublings(), 0);
}

TEST(sample_pace, it_falls_without_another_sample) {
  sample_pace pace = standard_pace();
  double now = 1e15;
  (void)allocate(pace, now, 1e12, 1);
  pace.run_off(static_cast<std::uint64_t>(now));
  EXPECT_GE(pace.doublings(), 8);
  pace.run_off(static_cast<std::uint64_t>(now + second / 10));
  EXPECT_EQ(pace.doublings(), 0);
}

// The next point lay some hundred megabytes ahead.
TEST(sample_pace, a_gap_from_the_time_of_haste_is_drawn_anew) {
  sample_points points;
  points.start(mean, standard_sample_up_to, 11);
  for (int i = 0; i < 1000; ++i) points.took_one(1000);
  ASSERT_EQ(points.doublings(), sample_pace::most_doublings);
  ASSERT_EQ(points.doublings_ahead(), sample_pace::most_doublings);
  points.settle(1000);
  EXPECT_EQ(points.doublings_ahead(), sample_pace::most_doublings);
  points.settle(static_cast<std::uint64_t>(second));
  EXPECT_EQ(points.doublings_ahead(), 0);
}

TEST(sample_pace, the_mean_does_not_grow_for_ever) {
  sample_pace pace = standard_pace();
  for (int i = 0; i < 100'000; ++i) pace.take(5);
  EXPECT_EQ(pace.doublings(), sample_pace::most_doublings);
}

TEST(sample_pace, without_a_limit_nothing_grows) {
  sample_pace pace;
  pace.allow(0, mean);
  for (int i = 0; i < 100'000; ++i) pace.take(5);
  EXPECT_EQ(pace.doublings(), 0);
}

TEST(sample_pace, what_could_not_be_doubled_is_left_alone) {
  sample_pace pace;
  pace.allow(standard_sample_up_to, std::size_t{1} << 60);
  for (int i = 0; i < 100'000; ++i) pace.take(5);
  EXPECT_EQ(pace.doublings(), 0);
}

// Of many short runs, in each of which the speed changes all the time.
TEST(sample_pace, estimates_are_right_on_average_while_the_mean_changes) {
  std::mt19937_64 random(7);
  const std::size_t runs = test::scaled(400);
  double off = 0;
  double claimed = 0;
  std::size_t doubled = 0;
  for (std::size_t run = 0; run < runs; ++run) {
    sample_points points;
    points.start(mean, standard_sample_up_to, run);
    double now = 1e15;
    double estimate = 0;
    double truth = 0;
    for (int i = 0; i < 4000; ++i) {
      const std::size_t size = std::size_t{1} << random() % 21;
      const double speed = i / 500 % 2 == 0 ? 5e10 : 2e8;
      now += static_cast<double>(size) / speed * second;
      truth += static_cast<double>(size);
      const drawn hit = points.hits(size);
      if (i % 7 == 0) points.settle(static_cast<std::uint64_t>(now));
      if (!hit) continue;
      const double chance = sample_chance(size, mean << hit.doublings);
      estimate += static_cast<double>(size) / chance;
      claimed += static_cast<double>(mean << hit.doublings) * static_cast<double>(size) / chance;
      doubled += hit.doublings != 0 ? 1 : 0;
      points.took_one(static_cast<std::uint64_t>(now));
    }
    off += estimate - truth;
  }
  EXPECT_GT(doubled, runs);
  EXPECT_LT(std::abs(off), 5 * std::sqrt(claimed));
}

}  // namespace
}  // namespace ashlar::observe
