// SPDX-License-Identifier: MIT
// What becomes of blocks when the level changes under them, and of sizes that the sampled level
// sees from afar.
#include <barrier>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <thread>

#include "ashlar/track.hpp"
#include "replace/support/check.hpp"

namespace {

using ashlar::track_level;

constexpr std::size_t mean = 64 << 10;

std::uint64_t live_bytes() { return ashlar::usage_below({}).live_bytes; }

// Another thread switches between two levels, and this one learns of it an operation later. What it
// allocates meanwhile is not tracked, and must not bring the next sample nearer.
void a_thread_that_is_switched_makes_as_many_samples() {
  constexpr int rounds = 4000;
  constexpr int tracked = 50;
  constexpr int untracked = 500;
  const auto pairs = [](int count) {
    for (int i = 0; i < count; ++i) {
      void* volatile p = std::malloc(48);
      std::free(p);
    }
  };
  std::barrier turn(2);
  const std::uint64_t before = ashlar::usage_below({}).blocks.total_blocks;
  std::thread worker([&] {
    for (int i = 0; i < rounds; ++i) {
      turn.arrive_and_wait();
      std::free(std::malloc(1 << 20));  // the thread learns of it, and has one sample
      pairs(tracked);
      turn.arrive_and_wait();
      turn.arrive_and_wait();
      pairs(untracked);
      turn.arrive_and_wait();
    }
  });
  for (int i = 0; i < rounds; ++i) {
    expect(ashlar::set_tracking({.level = track_level::sampled, .depth = 1, .sample_bytes = mean}),
           "sampling begins");
    turn.arrive_and_wait();
    turn.arrive_and_wait();
    expect(ashlar::set_tracking({.level = track_level::off}), "and ends");
    turn.arrive_and_wait();
    turn.arrive_and_wait();
  }
  worker.join();
  const double chance = 1 - std::exp(-48.0 / mean);
  const double deviation = std::sqrt(rounds * tracked * (1 - chance) / chance);
  const auto found =
      static_cast<double>(ashlar::usage_below({}).blocks.total_blocks - before - rounds);
  expect(std::fabs(found - rounds * tracked) < 6 * deviation, "the estimate is near the truth");
}

// The same address again and again, within one tick of the clock: weights are rounded evenly still.
void large_blocks_in_one_place_are_counted_right() {
  constexpr int count = 5000;
  const std::uint64_t before = ashlar::usage_below({}).blocks.total_blocks;
  for (int i = 0; i < count; ++i) std::free(std::malloc(100'000));
  const double chance = 1 - std::exp(-100'000.0 / mean);
  const double deviation = std::sqrt(count * ((1 - chance) / chance + 0.25));
  const auto found = static_cast<double>(ashlar::usage_below({}).blocks.total_blocks - before);
  expect(std::fabs(found - count) < 6 * deviation, "the estimate is near the truth");
}

// Blocks that were recorded fully count for themselves, however they are resized later.
void resizing_makes_no_samples() {
  static void* blocks[2000];
  expect(ashlar::set_tracking({.level = track_level::full, .depth = 1}), "tracking begins");
  for (void*& p : blocks) p = std::malloc(64);
  const std::uint64_t before = live_bytes();
  expect(ashlar::set_tracking({.level = track_level::sampled, .depth = 1, .sample_bytes = mean}),
         "sampling follows");
  for (void*& p : blocks) p = std::realloc(p, 60);
  expect(live_bytes() <= before, "no block counts for more than itself");
  for (void* const p : blocks) std::free(p);
  expect(live_bytes() + 2000 * 60 <= before, "each counts when it goes as when it came");
}

// A block aligned beyond all size classes has pages of its own: they are what points fall onto.
void aligned_blocks_are_seen_as_often_as_they_are_weighed() {
  constexpr int count = 2000;
  static void* blocks[count];
  const auto before = static_cast<double>(live_bytes());
  for (void*& p : blocks) p = std::aligned_alloc(128 << 10, 16);
  const double chance = 1 - std::exp(-4096.0 / mean);
  const double deviation = 16 * std::sqrt(count * (1 - chance) / chance);
  const double found = static_cast<double>(live_bytes()) - before;
  expect(std::fabs(found - count * 16) < 6 * deviation, "the estimate is near the truth");
  for (void* const p : blocks) std::free(p);
}

void a_second_mean_is_refused() {
  expect(!ashlar::set_tracking({.level = track_level::sampled, .sample_bytes = 2 * mean}),
         "another mean is refused");
  expect(!ashlar::set_tracking({.level = track_level::sampled, .sample_bytes = 0}),
         "none is refused");
}

}  // namespace

int main() {
  expect_ashlar();
  resizing_makes_no_samples();
  aligned_blocks_are_seen_as_often_as_they_are_weighed();
  large_blocks_in_one_place_are_counted_right();
  a_second_mean_is_refused();
  a_thread_that_is_switched_makes_as_many_samples();
}
