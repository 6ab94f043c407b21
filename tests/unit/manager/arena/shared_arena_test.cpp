// SPDX-License-Identifier: MIT
#include "ashlar/shared_arena.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <memory>
#include <thread>
#include <vector>

#include "ashlar/arena.hpp"
#include "ashlar/compose.hpp"
#include "ashlar/manager/source/default_manager.hpp"
#include "support/pattern.hpp"
#include "support/random.hpp"
#include "support/scale.hpp"

namespace ashlar {
namespace {

using test::random_source;
using test::scaled;

TEST(shared_arena, takes_what_a_block_needs_where_runs_are_too_small_for_it) {
  for (std::size_t run_size = 0; run_size < 128; run_size += 8) {
    shared_arena a({.run_size = run_size, .upstream = default_manager()});
    for (const std::size_t size : {1, 2, 4, 8, 16}) {
      const block b = a.allocate({size, size}).get();
      ASSERT_TRUE(b) << size << " of a run of " << run_size;
      test::fill_pattern(b.data, b.size, size);
    }
    EXPECT_TRUE(a.check_invariants());
  }
}

TEST(shared_arena, gives_each_thread_memory_of_its_own_and_clears_it_all) {
  shared_arena a({.run_size = 8192});
  constexpr std::size_t thread_count = 4;
  const std::size_t frames = scaled(60);
  std::barrier turn(thread_count + 1);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < thread_count; ++t)
    threads.emplace_back([&, t] {
      random_source random(t);
      for (std::size_t frame = 0; frame < frames; ++frame) {
        std::vector<block> mine;
        for (int i = 0; i < 200; ++i) {
          const block b = a.allocate({random.log_uniform(4000), 8}).get();
          EXPECT_TRUE(b);
          test::fill_pattern(b.data, b.size, t * 1000 + static_cast<std::size_t>(i));
          mine.push_back(b);
        }
        for (std::size_t i = 0; i < mine.size(); ++i)
          EXPECT_TRUE(test::has_pattern(mine[i].data, mine[i].size, t * 1000 + i));
        turn.arrive_and_wait();
        turn.arrive_and_wait();  // it is being cleared
      }
    });
  std::size_t held = 0;
  for (std::size_t frame = 0; frame < frames; ++frame) {
    turn.arrive_and_wait();
    EXPECT_GT(a.usage().used, thread_count * 200);
    EXPECT_TRUE(a.check_invariants());
    a.clear();
    EXPECT_EQ(a.usage().used, 0u);
    if (frame == frames / 2) held = a.usage().held;
    turn.arrive_and_wait();
  }
  for (std::thread& t : threads) t.join();
  EXPECT_LT(a.usage().held, held * 2);  // what was cleared is taken again
}

TEST(shared_arena, run_of_a_thread_survives_clear) {
  shared_arena a;
  const void* const first = a.allocate({100, 16}).data();
  for (int i = 0; i < 10; ++i) {
    a.clear();
    EXPECT_EQ(a.allocate({100, 16}).data(), first);
  }
}

TEST(shared_arena, next_thread_goes_on_in_the_run_of_one_that_ended) {
  shared_arena a;
  std::byte* first = nullptr;
  std::byte* second = nullptr;
  std::thread([&] {
    first = static_cast<std::byte*>(a.allocate({100, 16}).data());
    test::fill_pattern(first, 100, 1);
  }).join();
  const std::size_t held = a.usage().held;
  std::thread([&] { second = static_cast<std::byte*>(a.allocate({100, 16}).data()); }).join();
  EXPECT_EQ(second, first + 112);
  EXPECT_TRUE(test::has_pattern(first, 100, 1));
  for (int i = 0; i < 300; ++i) std::thread([&] { EXPECT_TRUE(a.allocate({100, 16})); }).join();
  EXPECT_EQ(a.usage().held, held);  // an arena that took a run for each thread would hold 300
}

TEST(shared_arena, threads_come_and_go_while_one_clears) {
  shared_arena a({.run_size = 4096, .keep = 65536});
  std::atomic<bool> stop = false;
  std::atomic<std::size_t> pushed = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&] {
      while (!stop)
        std::thread([&] {
          for (int i = 0; i < 100; ++i) pushed += static_cast<bool>(a.allocate({64, 8}));
        }).join();
    });
  for (std::size_t i = 0; i < scaled(3000) || pushed < 100; ++i) {
    a.clear();
    (void)a.usage();
    (void)a.trim(8192);
  }
  stop = true;
  for (std::thread& t : threads) t.join();
  EXPECT_GT(pushed, 0u);
  a.clear();
  EXPECT_TRUE(a.check_invariants());
}

TEST(shared_arena, one_thread_may_use_many_arenas) {
  std::vector<std::unique_ptr<shared_arena>> all;
  for (int i = 0; i < 20; ++i) all.push_back(std::make_unique<shared_arena>());
  for (int round = 0; round < 10; ++round)
    for (auto& a : all) ASSERT_NE(a->make<int>(round), nullptr);
  for (auto& a : all) {
    EXPECT_EQ(a->usage().used, 10 * sizeof(int));
    EXPECT_TRUE(a->check_invariants());
  }
  all.erase(all.begin(), all.begin() + 10);
  for (auto& a : all) EXPECT_NE(a->make<int>(1), nullptr);
  shared_arena fresh;  // perhaps where an old one was
  EXPECT_NE(fresh.make<int>(1), nullptr);
  EXPECT_EQ(fresh.usage().used, sizeof(int));
}

TEST(shared_arena, serves_from_runs_that_are_hardly_larger_than_their_records) {
  alignas(64) static std::byte buffer[16 << 10];
  for (std::size_t run_size = 0; run_size < 80; ++run_size) {
    arena bounded({.kind = backing::fixed, .buffer = buffer});
    locked<arena&> upstream(bounded);
    shared_arena a({.run_size = run_size, .upstream = upstream});
    for (std::size_t size = 1; size < 20; ++size) {
      const allocation got = a.allocate({size, 1});
      ASSERT_TRUE(got) << run_size << " " << size;
      test::fill_pattern(got.data(), size, 1);
    }
    EXPECT_TRUE(a.check_invariants());
  }
}

}  // namespace
}  // namespace ashlar
