// SPDX-License-Identifier: MIT
#include "ashlar/heap/sampling_bins.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <thread>
#include <vector>

#include "ashlar/heap/fast_path.hpp"
#include "ashlar/heap/heap.hpp"
#include "support/scale.hpp"
#include "unit/heap/heap_fixture.hpp"

namespace ashlar {
namespace {

constexpr size_class c48 = class_of(48);
constexpr std::size_t offset48 = bin_offset_of(c48);
constexpr std::size_t always = 0;  // as often, however fast the thread allocates

std::size_t live_blocks(heap& h) {
  std::size_t count = 0;
  h.walk({&count, [](void* n, const walked_block&) {
            ++*static_cast<std::size_t*>(n);
            return true;
          }});
  return count;
}

class sampling : public testing::Test {
 protected:
  void SetUp() override { own.start_sampling(mean, always); }

  // As malloc does it: pop, pop and count, else the slow path. Returns null if the allocation is to
  // be sampled.
  void* allocate() {
    if (void* const p = pop_block(view, offset48)) return p;
    if (void* const p = pop_counted(view, offset48)) return p;
    return own.is_due(c48) ? nullptr : h.allocate({48}).data();
  }
  void free(void* p) { ASSERT_TRUE(push_block(view, p) || (h.deallocate(p), true)); }

  // Allocations up to the sampled one, which is counted too.
  std::size_t next_sample() {
    for (std::size_t count = 1;; ++count) {
      void* const p = allocate();
      if (p == nullptr) return count;
      free(p);
    }
  }

  explicit sampling(std::size_t mean_bytes = 64_KiB) : mean{mean_bytes} {}

  const std::size_t mean;
  heap h{heap_options{.sampled = true}};
  local_heap& own = *h.local();
  bin_set& view = own.sampled;
};

// For tests of a few allocations, none of which may be one that is sampled by chance.
constexpr std::size_t rare = std::size_t{1} << 40;

class rarely_sampling : public sampling {
 protected:
  rarely_sampling() : sampling{rare} {}
};

TEST_F(rarely_sampling, what_is_freed_goes_to_the_bins_of_the_local_heap) {
  void* const p = h.allocate({48}).data();
  const std::uint32_t before = own.bins[c48].count();
  EXPECT_TRUE(push_block(view, p));
  EXPECT_EQ(own.bins[c48].count(), before + 1);
}

TEST_F(rarely_sampling, the_last_freed_block_comes_first) {
  std::vector<void*> blocks;
  for (int i = 0; i < 40; ++i) blocks.push_back(h.allocate({48}).data());
  for (void* const p : blocks) EXPECT_TRUE(push_block(view, p));
  for (std::size_t i = blocks.size(); i-- > 0;) EXPECT_EQ(allocate(), blocks[i]);
}

TEST_F(rarely_sampling, every_bin_looks_empty) {
  free(allocate());
  EXPECT_EQ(pop_block(view, offset48), nullptr);
}

// What it reads there is part of what lies in front of the bin: of the bin before, or of the first
// one the words that are always zero.
TEST_F(rarely_sampling, whoever_is_not_sampled_counts_nothing) {
  for (size_class c = 0; c < class_count; ++c)
    h.deallocate(h.allocate({size_classes[c].block_size}).data());
  for (size_class c = 0; c < class_count; ++c) {
    (void)own.is_due(c);
    EXPECT_GT(own.bins[c].pops_left, 0u);
    EXPECT_EQ(pop_counted(own, bin_offset_of(c)), nullptr);
  }
}

TEST_F(sampling, every_pop_is_counted) {
  std::vector<void*> held;
  const std::size_t count = test::scaled(2'000'000);
  std::size_t sampled = 0;
  for (std::size_t i = 0; i < count; ++i) {
    void* const p = allocate();
    if (p == nullptr) {
      ++sampled;
    } else if (i % 3 == 0 && held.size() < 1000) {
      held.push_back(p);
    } else {
      free(p);
      if (i % 5 == 0 && !held.empty()) {
        free(held.back());
        held.pop_back();
      }
    }
  }
  const double expected =
      static_cast<double>(count) * observe::sample_chance(size_classes[c48].block_size, mean);
  EXPECT_NEAR(static_cast<double>(sampled), expected, 6 * std::sqrt(expected));
  for (void* const p : held) free(p);
  h.check_invariants();
}

// Many stretches to the next sample.
class far_apart : public sampling {
 protected:
  far_apart() : sampling{16_MiB} {}
};

TEST_F(far_apart, samples_many_stretches_apart_come_as_often_as_they_should) {
  constexpr std::size_t rounds = 60;
  std::size_t allocations = 0;
  std::size_t most = 0;
  for (std::size_t i = 0; i < rounds; ++i) {
    const std::size_t count = next_sample();
    allocations += count;
    most = std::max(most, count);
  }
  EXPECT_GT(most, 0x10000u);  // far more than a stretch
  const double expected =
      static_cast<double>(allocations) * observe::sample_chance(size_classes[c48].block_size, mean);
  EXPECT_NEAR(static_cast<double>(rounds), expected, 8 * std::sqrt(expected));
}

TEST_F(sampling, no_block_is_handed_out_twice) {
  std::set<void*> held;
  for (int i = 0; i < 10'000; ++i) {
    void* const p = allocate();
    if (p == nullptr) continue;
    EXPECT_TRUE(held.insert(p).second);
    if (i % 2 == 0) {
      free(*held.begin());
      held.erase(held.begin());
    }
  }
  EXPECT_EQ(live_blocks(h), held.size());
  for (void* const p : held) free(p);
  EXPECT_EQ(live_blocks(h), 0u);
  h.trim();
  h.check_invariants();
}

// What is left to the next sample of each class, one allocation later.
using all_left = std::array<std::uint16_t, small_class_count>;
all_left count_one_of_each(sampling_bins& own) {
  all_left left;
  for (size_class c = 0; c < small_class_count; ++c) {
    (void)own.is_due(c);
    left[c] = own.bins[c].pops_left;
  }
  return left;
}

// Those of all classes are the same again once in a blue moon.
TEST_F(sampling, samples_are_drawn_anew) {
  const all_left before = count_one_of_each(own);
  own.draw_anew(7);
  EXPECT_NE(count_one_of_each(own), before);
}

TEST_F(sampling, to_start_again_changes_no_points) {
  const all_left before = count_one_of_each(own);
  own.start_sampling(mean, always);
  all_left now;
  for (size_class c = 0; c < small_class_count; ++c) now[c] = own.bins[c].pops_left;
  EXPECT_EQ(now, before);
  EXPECT_EQ(view.state, local_state::sampling);
}

// The child of a fork that came in the middle finds it so.
TEST_F(rarely_sampling, a_start_that_was_cut_short_is_made_again) {
  view.state = local_state::active;
  view.tag = 0;
  own.start_sampling(mean, always);
  EXPECT_EQ(view.state, local_state::sampling);
  free(allocate());
}

TEST_F(sampling, to_start_with_another_mean_draws_others) {
  const all_left before = count_one_of_each(own);
  own.start_sampling(mean / 4, always);
  EXPECT_NE(count_one_of_each(own), before);
}

// A stretch that was looked at keeps its mean, whatever becomes of the thread's meanwhile.
TEST_F(sampling, each_stretch_has_the_mean_that_it_was_looked_at_with) {
  own.start_sampling(1_KiB, 1);  // a byte a second: each sample beyond a burst is one too many
  const auto next = [&] {
    while (true)
      if (const observe::drawn hit = own.is_due(c48)) return hit.doublings;
  };
  (void)next();
  do (void)own.is_due(c48).is_hit;
  while (own.bins[c48].pops_left == 0);  // in the middle of a stretch, which has a sample
  for (int i = 0; i < 32 + 8; ++i) own.points().took_one(1000);
  EXPECT_EQ(own.points().doublings(), 2);
  EXPECT_EQ(next(), 0);
  EXPECT_EQ(next(), 2);
}

TEST_F(sampling, a_thread_that_slows_down_forgets_stretches_of_its_haste) {
  own.start_sampling(1_KiB, 1 << 20);
  EXPECT_FALSE(own.is_hasty());
  for (int i = 0; i < 200; ++i) own.points().took_one(1000);
  EXPECT_TRUE(own.is_hasty());
  (void)own.is_due(c48).is_hit;
  EXPECT_TRUE(own.is_to_look());
  for (int i = 1; i < 16; ++i) EXPECT_FALSE(own.is_to_look());
  EXPECT_TRUE(own.is_to_look());
  own.slow_down(1000);
  EXPECT_GT(own.bins[c48].pops_left, 0u);
  own.slow_down(2'000'000'000);
  EXPECT_EQ(own.bins[c48].pops_left, 0u);
  EXPECT_FALSE(own.is_hasty());
}

TEST_F(sampling, a_thread_whose_haste_ends_little_by_little_looks_no_longer) {
  own.start_sampling(1_KiB, 1 << 20);
  for (int i = 0; i < 200; ++i) own.points().took_one(1000);
  for (std::uint64_t now = 0; now < 4'000'000'000; now += 1'000'000) {
    (void)own.is_due(c48).is_hit;
    own.bins[c48].pops_left = 0;  // they are allocated
    own.slow_down(now);
  }
  (void)own.is_due(c48).is_hit;
  own.slow_down(4'000'000'000);
  EXPECT_FALSE(own.is_hasty());
}

TEST_F(sampling, whoever_takes_over_has_not_been_in_haste_while_nobody_was) {
  own.start_sampling(1_KiB, 1 << 20);
  for (int i = 0; i < 200; ++i) own.points().took_one(1000);  // long ago
  EXPECT_TRUE(own.is_hasty());
  own.start_sampling(1_KiB, 1 << 20);
  EXPECT_FALSE(own.is_hasty());
}

TEST_F(sampling, to_start_with_another_speed_changes_it) {
  own.start_sampling(mean, 1);
  EXPECT_TRUE(own.points().are_for(mean, 1));
}

// Whoever serves it then counts it.
TEST_F(rarely_sampling, what_an_empty_bin_cannot_serve_is_not_counted) {
  ASSERT_FALSE(own.is_due(c48).is_hit);
  const bin& b = own.bins[c48];
  ASSERT_EQ(b.count(), 0u);
  const std::uint16_t left = b.pops_left;
  ASSERT_GT(left, 0u);
  EXPECT_EQ(pop_counted(view, offset48), nullptr);
  EXPECT_EQ(b.pops_left, left);
}

TEST_F(rarely_sampling, a_parked_bin_is_left_alone) {
  ASSERT_FALSE(own.is_due(c48).is_hit);
  h.deallocate(h.allocate({48}).data());
  bin& b = own.bins[c48];
  ASSERT_GT(b.count(), 0u);
  const std::uint16_t left = b.pops_left;
  ASSERT_GT(left, 0u);
  b.parked = static_cast<std::uint16_t>(b.top - b.base);  // as local_heap::park does
  b.top = b.base;
  b.end = b.base;
  EXPECT_EQ(pop_counted(view, offset48), nullptr);
  EXPECT_EQ(b.count(), b.parked);
  EXPECT_EQ(b.pops_left, left);
}

using sampling_threads = test::plain_heaps;

TEST_F(sampling_threads, a_thread_that_ends_leaves_nothing_behind) {
  heap h{heap_options{.sampled = true}};
  void* kept = nullptr;
  std::thread([&] {
    local_heap& own = *h.local();
    own.start_sampling(rare, always);
    ASSERT_FALSE(own.is_due(c48).is_hit);
    for (int i = 0; i < 100; ++i) h.deallocate(h.allocate({48}).data());
    kept = pop_counted(own.sampled, offset48);
  }).join();
  ASSERT_NE(kept, nullptr);
  EXPECT_EQ(live_blocks(h), 1u);
  h.deallocate(kept);
  h.trim();
  EXPECT_EQ(live_blocks(h), 0u);
  h.check_invariants();
}

}  // namespace
}  // namespace ashlar
