// SPDX-License-Identifier: MIT
// What becomes of blocks when the level changes under them, and of sizes that the sampled level
// sees from afar.
#include <pthread.h>

#include <barrier>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <thread>

#include "ashlar/tag.hpp"
#include "ashlar/track.hpp"
#include "replace/support/check.hpp"

namespace {

using ashlar::track_level;

constexpr std::size_t mean = 64 << 10;

bool begin_sampling() {
  return ashlar::set_tracking(
      {.level = track_level::sampled, .depth = 1, .sample_bytes = mean, .sample_up_to = 0});
}

std::uint64_t live_bytes() { return ashlar::usage_below({}).live_bytes; }

// Of `count` blocks, each of which is sampled as `covered` bytes are.
void expect_near(double found, int count, double covered, double size_of_one) {
  const double chance = 1 - std::exp(-covered / mean);
  const double deviation = std::sqrt(count * ((1 - chance) / chance + 0.25));
  expect(std::fabs(found / size_of_one - count) < 6 * deviation, "the estimate is near the truth");
}

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
    expect(begin_sampling(), "sampling begins");
    turn.arrive_and_wait();
    turn.arrive_and_wait();
    expect(ashlar::set_tracking({.level = track_level::off}), "and ends");
    turn.arrive_and_wait();
    turn.arrive_and_wait();
  }
  worker.join();
  const auto found =
      static_cast<double>(ashlar::usage_below({}).blocks.total_blocks - before - rounds);
  expect_near(found, rounds * tracked, 48, 1);
}

// The same address again and again, within one tick of the clock: weights are rounded evenly still.
void large_blocks_in_one_place_are_counted_right() {
  constexpr int count = 5000;
  const std::uint64_t before = ashlar::usage_below({}).blocks.total_blocks;
  for (int i = 0; i < count; ++i) std::free(std::malloc(100'000));
  const auto found = static_cast<double>(ashlar::usage_below({}).blocks.total_blocks - before);
  expect_near(found, count, 100'000, 1);
}

// Each thread has one sample or none: what they stand for is rounded evenly over all of them.
void short_threads_are_counted_right() {
  constexpr int count = 1000;
  const ashlar::tag mine = ashlar::define_tag("short threads");
  for (int i = 0; i < count; ++i) {
    std::thread([&] {
      const ashlar::tag_scope here(mine);
      std::free(std::malloc(75'000));
    }).join();
  }
  const auto found = static_cast<double>(ashlar::usage_of(mine).blocks.total_blocks);
  expect_near(found, count, 80'000, 1);
}

// Blocks that were recorded fully count for themselves, however they are resized later.
void resizing_makes_no_samples() {
  static void* blocks[2000];
  expect(ashlar::set_tracking({.level = track_level::full, .depth = 1}), "tracking begins");
  for (void*& p : blocks) p = std::malloc(64);
  const std::uint64_t before = live_bytes();
  expect(begin_sampling(), "sampling follows");
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
  expect_near(static_cast<double>(live_bytes()) - before, count, 4096, 16);
  for (void* const p : blocks) std::free(p);
}

// The smallest ones that there are, too: nobody has asked for a byte of them.
void aligned_blocks_of_no_bytes_are_seen() {
  constexpr int count = 2000;
  const std::uint64_t before = ashlar::usage_below({}).blocks.total_blocks;
  for (int i = 0; i < count; ++i) {
    void* volatile p = std::aligned_alloc(128 << 10, 0);
    std::free(p);
  }
  const auto found = static_cast<double>(ashlar::usage_below({}).blocks.total_blocks - before);
  expect_near(found, count, 4096, 1);
}

// A sample that shrinks while its thread is not sampled is weighed by its new size, so it must not
// stay one more often than blocks of that size are.
void samples_that_shrink_unsampled_still_stand_for_what_they_did() {
  constexpr int count = 2000;
  static void* blocks[count];
  const auto before = static_cast<double>(live_bytes());
  for (void*& p : blocks) p = std::malloc(200'000);
  expect(ashlar::set_tracking({.level = track_level::off}), "sampling ends");
  for (void*& p : blocks) p = std::realloc(p, 16'000);
  expect_near(static_cast<double>(live_bytes()) - before, count, 16'000, 16'000);
  for (void* const p : blocks) std::free(p);
  expect(begin_sampling(), "sampling begins again");
}

// What shrinks by less than half stays where it is and covers what it did, sample or not: else each
// turn would be a draw, and samples become fewer.
void blocks_that_shrink_a_little_and_grow_again_are_weighed_right() {
  constexpr int count = 1000;
  static void* blocks[count];
  const auto before = static_cast<double>(live_bytes());
  for (void*& p : blocks) p = std::malloc(80'000);
  for (int turn = 0; turn < 5; ++turn) {
    for (void*& p : blocks) p = std::realloc(p, 50'000);
    for (void*& p : blocks) p = std::realloc(p, 80'000);
  }
  expect_near(static_cast<double>(live_bytes()) - before, count, 80 << 10, 80'000);
  for (void* const p : blocks) std::free(p);
}

// Destructors of thread keys run after the thread has given up its local heap.
void what_destructors_of_thread_keys_allocate_is_seen() {
  constexpr int threads = 200;
  constexpr int each = 50;
  static pthread_key_t key;
  static constexpr auto in_the_end = [](void* rounds) {
    for (int i = 0; i < each; ++i) {
      void* volatile p = std::malloc(1000);
      std::free(p);
    }
    const auto left = reinterpret_cast<std::uintptr_t>(rounds) - 1;
    if (left != 0) pthread_setspecific(key, reinterpret_cast<void*>(left));
  };
  expect(pthread_key_create(&key, in_the_end) == 0, "there is a key");
  const std::uint64_t before = ashlar::usage_below({}).blocks.total_blocks;
  for (int i = 0; i < threads; ++i) {
    std::thread([] {
      void* volatile p = std::malloc(1000);
      std::free(p);
      pthread_setspecific(key, reinterpret_cast<void*>(std::uintptr_t{4}));
    }).join();
  }
  const auto found = static_cast<double>(ashlar::usage_below({}).blocks.total_blocks - before);
  expect_near(found, threads * (4 * each + 1), 1024, 1);
  pthread_key_delete(key);
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
  aligned_blocks_of_no_bytes_are_seen();
  samples_that_shrink_unsampled_still_stand_for_what_they_did();
  blocks_that_shrink_a_little_and_grow_again_are_weighed_right();
  what_destructors_of_thread_keys_allocate_is_seen();
  large_blocks_in_one_place_are_counted_right();
  short_threads_are_counted_right();
  a_second_mean_is_refused();
  a_thread_that_is_switched_makes_as_many_samples();
}
