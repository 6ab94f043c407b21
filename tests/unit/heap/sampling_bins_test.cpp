// SPDX-License-Identifier: MIT
#include "ashlar/heap/sampling_bins.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <thread>

#include "ashlar/heap/fast_path.hpp"
#include "ashlar/heap/heap.hpp"
#include "support/scale.hpp"

namespace ashlar {
namespace {

constexpr size_class c48 = class_of(48);

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
  void SetUp() override { ASSERT_TRUE(front.start(mean)); }

  // As malloc does it: pop, else the next batch, else one block from the local heap.
  // Returns null if the allocation is to be sampled.
  void* allocate() {
    if (void* const p = pop_block(front, bin_offset_of(c48))) return p;
    if (void* const p = front.pop_next(c48)) return p;
    if (front.is_due(c48)) return nullptr;
    void* const p = h.allocate({48}).data();
    front.refill(c48);
    return p;
  }
  void free(void* p) { ASSERT_TRUE(push_block(front, p) || (h.deallocate(p), true)); }

  explicit sampling(std::size_t mean_bytes = 64_KiB) : mean{mean_bytes} {}

  const std::size_t mean;
  heap h{heap_options{.sampled = true}};
  local_heap& own = *h.local();
  sampling_bins& front = own.front();
};

// For tests of a few allocations, none of which may be one that is sampled by chance: with this
// mean a batch is cut short once in a hundred million times.
constexpr std::size_t rare = std::size_t{1} << 40;

class batches : public sampling {
 protected:
  batches() : sampling{rare} {}
};

TEST_F(batches, what_is_freed_goes_to_the_bins_of_the_local_heap) {
  void* const p = h.allocate({48}).data();
  const std::uint32_t before = own.bins[c48].count();
  EXPECT_TRUE(push_block(front, p));
  EXPECT_EQ(own.bins[c48].count(), before + 1);
  EXPECT_EQ(front.bins[c48].count(), 0u);
}

TEST_F(batches, the_last_freed_block_of_a_batch_comes_first) {
  std::vector<void*> blocks;
  for (int i = 0; i < 40; ++i) blocks.push_back(h.allocate({48}).data());
  for (void* const p : blocks) h.deallocate(p);
  EXPECT_EQ(front.pop_next(c48), blocks[39]);
  EXPECT_EQ(pop_block(front, bin_offset_of(c48)), blocks[38]);
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
      static_cast<double>(count) * observe::sample_chance(size_classes[c48].block_size, 64_KiB);
  EXPECT_NEAR(static_cast<double>(sampled), expected, 6 * std::sqrt(expected));
  for (void* const p : held) free(p);
  h.check_invariants();
}

TEST_F(sampling, a_batch_ends_before_the_sampled_allocation) {
  for (int round = 0; round < 200; ++round) {
    std::size_t served = 0;
    while (void* const p = allocate()) {
      free(p);
      ASSERT_LT(++served, 1'000'000u);
    }
    EXPECT_EQ(front.bins[c48].count(), 0u);
  }
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
  EXPECT_EQ(live_blocks(h), held.size()) << "blocks in front are not live";
  for (void* const p : held) free(p);
}

TEST_F(batches, giving_back_leaves_nothing_in_front) {
  for (int i = 0; i < 100; ++i) h.deallocate(h.allocate({48}).data());
  void* const p = allocate();
  ASSERT_NE(p, nullptr);
  front.give_back();
  EXPECT_EQ(front.bins[c48].count(), 0u);
  free(p);
  EXPECT_EQ(live_blocks(h), 0u);
  h.trim();
  EXPECT_EQ(own.bins[c48].count(), 0u);
  h.check_invariants();
}

TEST_F(batches, a_parked_bin_is_left_alone) {
  h.deallocate(h.allocate({48}).data());
  bin& b = own.bins[c48];
  ASSERT_GT(b.count(), 0u);
  b.parked = static_cast<std::uint16_t>(b.top - b.base);  // as local_heap::park does
  b.top = b.base;
  b.end = b.base;
  EXPECT_EQ(front.pop_next(c48), nullptr);
  EXPECT_EQ(b.count(), b.parked);
}

TEST_F(batches, small_batches_grow_with_demand) {
  void* const p = allocate();
  ASSERT_NE(p, nullptr);
  front.give_back();
  h.trim();
  for (int i = 0; i < 3; ++i) h.deallocate(h.allocate({48}).data());
  EXPECT_NE(front.pop_next(c48), nullptr);
  EXPECT_GT(front.bins[c48].count(), 16u);
  h.check_invariants();
}

TEST(sampling_threads, a_thread_that_ends_leaves_nothing_in_front) {
  heap h{heap_options{.sampled = true}};
  void* kept = nullptr;
  std::thread([&] {
    sampling_bins& front = h.local()->front();
    ASSERT_TRUE(front.start(rare));
    for (int i = 0; i < 100; ++i) h.deallocate(h.allocate({48}).data());
    kept = front.pop_next(c48);
    EXPECT_GT(front.bins[c48].count(), 0u);
  }).join();
  EXPECT_EQ(live_blocks(h), kept != nullptr ? 1u : 0u);
  h.deallocate(kept);
  h.trim();
  EXPECT_EQ(live_blocks(h), 0u);
  h.check_invariants();
}

TEST(sampling_threads, a_heap_that_is_not_sampled_has_no_bins_in_front) {
  heap h{heap_options{}};
  EXPECT_FALSE(h.local()->has_front);
}

}  // namespace
}  // namespace ashlar
