// SPDX-License-Identifier: MIT
// The clock goes forward.
#include "ashlar/os/clock.hpp"

#include <gtest/gtest.h>
#include <time.h>

namespace ashlar {
namespace {

TEST(clock, measures_a_pause) {
  const std::uint64_t before = os::monotonic_ns();
  const timespec pause{.tv_sec = 0, .tv_nsec = 5'000'000};
  ::nanosleep(&pause, nullptr);
  EXPECT_GE(os::monotonic_ns() - before, 5'000'000u);
}

TEST(clock, coarse_time_trails_by_no_more_than_a_few_ticks) {
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t coarse = os::coarse_ns();
    const std::uint64_t fine = os::monotonic_ns();
    EXPECT_LE(coarse, fine);
    EXPECT_GE(coarse + 1'000'000'000, fine);
  }
}

TEST(clock, never_goes_back) {
  std::uint64_t last = os::monotonic_ns();
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t now = os::monotonic_ns();
    ASSERT_GE(now, last);
    last = now;
  }
}

}  // namespace
}  // namespace ashlar
