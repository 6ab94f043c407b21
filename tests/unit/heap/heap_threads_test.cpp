// SPDX-License-Identifier: MIT
// Threads and heaps: blocks outlive their threads, heaps are destroyed by others, and nothing grows
// with the number of threads that ever were.
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "ashlar/base/units.hpp"
#include "ashlar/heap/fast_path.hpp"
#include "ashlar/heap/heap.hpp"
#include "ashlar/heap/heap_registry.hpp"
#include "ashlar/heap/metadata_store.hpp"
#include "ashlar/observe/snapshot.hpp"
#include "support/child.hpp"
#include "support/pattern.hpp"
#include "support/scale.hpp"
#include "unit/heap/heap_fixture.hpp"

namespace ashlar {
namespace {

using test::fill_pattern;
using test::has_pattern;

using heap_threads = test::plain_heaps;

TEST_F(heap_threads, blocks_outlive_their_thread) {
  heap h{heap_options{}};
  std::vector<std::byte*> blocks;
  std::thread([&] {
    for (std::size_t i = 0; i < 2000; ++i) {
      blocks.push_back(static_cast<std::byte*>(h.allocate({i * 7}).data()));
      fill_pattern(blocks.back(), i * 7, i);
    }
  }).join();
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    EXPECT_TRUE(has_pattern(blocks[i], i * 7, i));
    h.deallocate(blocks[i]);
  }
  h.trim(0);
  h.check_invariants();
  EXPECT_EQ(h.used_bytes(), 0u);
}

TEST_F(heap_threads, any_thread_destroys) {
  for (int round = 0; round < 20; ++round) {
    auto h = std::make_unique<heap>(heap_options{});
    std::atomic<int> used{0};
    std::atomic<bool> destroyed{false};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&] {
        for (std::size_t i = 0; i < 300; ++i) EXPECT_TRUE(h->allocate({i * 100}));
        ++used;
        while (!destroyed) std::this_thread::yield();
        // This thread goes on with other heaps, and ends after the first one.
        heap other{heap_options{}};
        for (std::size_t i = 0; i < 100; ++i) other.deallocate(other.allocate({i}).data());
      });
    }
    while (used != 3) std::this_thread::yield();
    std::thread([&] { h.reset(); }).join();
    destroyed = true;
    for (std::thread& t : threads) t.join();
  }
}

TEST_F(heap_threads, short_lived_threads_leave_no_growth) {
  heap h{heap_options{}};
  const auto run_threads = [&h](std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      std::thread([&h] {
        for (std::size_t n = 1; n < 200; ++n) h.deallocate(h.allocate({n * 50}).data());
      }).join();
    }
  };
  run_threads(50);
  const std::size_t used = h.used_bytes();
  const std::size_t metadata = process_metadata.resident_bytes();
  run_threads(test::scaled(4000));
  EXPECT_LE(h.used_bytes(), used);
  EXPECT_LE(process_metadata.resident_bytes(), metadata + 64_KiB);
}

TEST_F(heap_threads, a_consumer_of_a_sleeping_producers_blocks_does_not_grow_memory) {
  heap h{heap_options{}};
  std::atomic<int> turn{0};
  std::vector<void*> blocks(3000);
  constexpr int rounds = 30;
  std::thread producer([&] {
    for (int r = 0; r < rounds; ++r) {
      while (turn != 2 * r) std::this_thread::yield();
      for (void*& p : blocks) p = h.allocate({200}).data();
      ++turn;
    }
    while (turn != -1) std::this_thread::yield();  // sleeps for the rest of the test
  });
  std::size_t after_first = 0;
  for (int r = 0; r < rounds; ++r) {
    while (turn != 2 * r + 1) std::this_thread::yield();
    for (void* const p : blocks) h.deallocate(p);
    if (r == 0) after_first = h.used_bytes();
    ++turn;
  }
  EXPECT_LE(h.used_bytes(), after_first + 512_KiB);
  h.trim(0);
  EXPECT_LE(h.used_bytes(), 512_KiB) << "what the producer's bins hold";
  turn = -1;
  producer.join();
}

TEST_F(heap_threads, an_adopted_local_heap_starts_with_what_was_left_in_its_bins) {
  heap h{heap_options{}};
  void* left = nullptr;
  std::thread([&] {
    left = h.allocate({100}).data();
    h.deallocate(left);
  }).join();
  std::thread([&] { EXPECT_EQ(h.allocate({100}).data(), left); }).join();
}

TEST_F(heap_threads, trimming_alone_takes_no_local_heap) {
  heap h{heap_options{}};
  ASSERT_TRUE(h.allocate({100}));
  std::thread([&] {
    h.trim(0);
    EXPECT_EQ(h.bound_to_this_thread(), nullptr);
  }).join();
  auto s = std::make_unique<observe::snapshot>();
  h.describe(*s);
  EXPECT_EQ(s->heaps + s->idle_heaps, 1u);
}

TEST_F(heap_threads, threads_that_end_can_still_allocate_and_free) {
  static constinit std::atomic<int> runs{0};
  static heap* late = nullptr;
  heap h{heap_options{}};
  late = &h;
  pthread_key_t key;
  // Runs after the heap's own destructor too, for it sets itself again in each round.
  ASSERT_EQ(::pthread_key_create(&key,
                                 [](void* value) {
                                   void* const p = late->allocate({123}).data();
                                   EXPECT_NE(p, nullptr);
                                   std::memset(p, 1, 123);
                                   late->deallocate(p);
                                   late->deallocate(value);
                                   ++runs;
                                 }),
            0);
  for (int i = 0; i < 20; ++i)
    std::thread([&] { ::pthread_setspecific(key, h.allocate({500}).data()); }).join();
  ::pthread_key_delete(key);
  EXPECT_EQ(runs, 20);
  h.trim(0);
  h.check_invariants();
  EXPECT_EQ(h.used_bytes(), 0u);
}

TEST_F(heap_threads, a_child_has_all_blocks_and_a_working_heap) {
  heap h{heap_options{}};
  std::vector<std::byte*> blocks;
  for (std::size_t i = 0; i < 500; ++i) {
    blocks.push_back(static_cast<std::byte*>(h.allocate({i * 30}).data()));
    fill_pattern(blocks.back(), i * 30, i);
  }
  EXPECT_TRUE(test::ended_well(test::run_in_child([&] {
    h.check_invariants();
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      EXPECT_TRUE(has_pattern(blocks[i], i * 30, i));
      h.deallocate(blocks[i]);
    }
    h.trim(0);
    EXPECT_EQ(h.used_bytes(), 0u);
    EXPECT_TRUE(h.allocate({1_MiB}));
    h.destroy();
  })));
  for (std::size_t i = 0; i < blocks.size(); ++i) EXPECT_TRUE(has_pattern(blocks[i], i * 30, i));
}

// --- the pieces that a thread works with ---

using local_heap_test = test::plain_heaps;

TEST_F(local_heap_test, bins_hand_the_last_freed_block_out_first) {
  heap h{heap_options{}};
  local_heap* const mine = h.local();
  ASSERT_NE(mine, nullptr);
  EXPECT_EQ(h.local(), mine);
  void* const a = h.allocate({48}).data();
  void* const b = h.allocate({48}).data();
  EXPECT_TRUE(push_block(*mine, a));
  EXPECT_TRUE(push_block(*mine, b));
  EXPECT_EQ(pop_block(*mine, bin_offset_of(class_of(48))), b);
  EXPECT_EQ(pop_block(*mine, bin_offset_of(class_of(48))), a);
}

TEST_F(local_heap_test, the_fast_path_leaves_all_else_to_the_slow_one) {
  heap h{heap_options{}};
  heap other{heap_options{}};
  local_heap& mine = *h.local();
  auto* const p = static_cast<std::byte*>(h.allocate({48}).data());
  int on_stack = 0;
  EXPECT_FALSE(push_block(mine, nullptr));
  EXPECT_FALSE(push_block(mine, &on_stack));
  EXPECT_FALSE(push_block(mine, p + 1));
  EXPECT_FALSE(push_block(mine, p + 16));
  EXPECT_FALSE(push_block(mine, h.allocate({100_KiB}).data())) << "medium";
  EXPECT_FALSE(push_block(mine, h.allocate({1_MiB}).data())) << "large";
  EXPECT_FALSE(push_block(mine, other.allocate({48}).data())) << "another heap's";
}

TEST_F(local_heap_test, serves_the_fresh_blocks_of_a_slab_in_order_of_their_addresses) {
  heap h{heap_options{}};
  std::uintptr_t last = 0;
  for (int i = 0; i < 200; ++i) {
    const std::uintptr_t p = address_of(h.allocate({64}).data());
    EXPECT_GT(p, last);
    last = p;
  }
}

// A fork copies a bin as it is, and its thread may just be parking it.
TEST_F(local_heap_test, dropping_bins_does_not_believe_a_half_parked_one) {
  heap h{heap_options{}};
  local_heap& mine = *h.local();
  void* const p = h.allocate({48}).data();
  h.deallocate(p);
  bin& b = mine.bins[class_of(48)];
  ASSERT_GT(b.count(), 0u);
  b.parked = static_cast<std::uint16_t>(b.count());  // the first step of parking
  mine.drop_bins();
  EXPECT_EQ(b.count(), 0u);
  EXPECT_EQ(b.end, b.base + b.capacity);
  h.check_invariants();
}

TEST_F(local_heap_test, is_one_for_each_thread_and_heap) {
  heap a{heap_options{}};
  heap b{heap_options{}};
  local_heap* const mine = a.local();
  EXPECT_NE(b.local(), mine);
  EXPECT_EQ(a.local(), mine);
  std::thread([&] { EXPECT_NE(a.local(), mine); }).join();
}

}  // namespace
}  // namespace ashlar
