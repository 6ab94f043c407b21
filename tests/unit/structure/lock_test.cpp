// SPDX-License-Identifier: MIT
// One holder at a time, nobody sleeps for ever, and what was written under the lock is seen.
#include "ashlar/structure/lock.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "support/scale.hpp"

namespace ashlar {
namespace {

TEST(lock, is_free_held_and_free_again) {
  lock l;
  EXPECT_FALSE(l.is_held());
  l.acquire();
  EXPECT_TRUE(l.is_held());
  EXPECT_FALSE(l.try_acquire());
  l.release();
  EXPECT_FALSE(l.is_held());
  EXPECT_TRUE(l.try_acquire());
  l.release();
}

TEST(lock, guard_holds_it_for_a_scope) {
  lock l;
  {
    lock_guard guard(l);
    EXPECT_TRUE(l.is_held());
  }
  EXPECT_FALSE(l.is_held());
}

// In a process of its own, for it is for good.
TEST(lock, lets_a_process_pass_that_has_abandoned_them) {
  EXPECT_EXIT(
      {
        lock held;
        held.acquire();
        abandon_locks();
        held.acquire();
        const bool passed = passed_locks() == 1 && held.is_held();
        held.release();
        ::_exit(passed && !held.is_held() && held.try_acquire() ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "");
}

TEST(lock, excludes) {
  lock l;
  std::size_t plain = 0;  // not atomic: lost updates and TSan would tell
  const std::size_t rounds = test::scaled(400'000);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (std::size_t i = 0; i < rounds; ++i) {
        lock_guard guard(l);
        ++plain;
      }
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(plain, 4 * rounds);
}

TEST(lock, wakes_all_sleepers_one_after_the_other) {
  lock l;
  std::atomic<int> done{0};
  l.acquire();
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      lock_guard guard(l);
      ++done;
    });
  }
  // Long beyond the spinning: all of them sleep by then.
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(done, 0);
  l.release();
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(done, 8);
  EXPECT_FALSE(l.is_held());
}

TEST(lock, is_counted_for_its_thread_while_it_is_held) {
  lock a;
  lock b;
  EXPECT_EQ(locks_of_this_thread, 0u);
  a.acquire();
  EXPECT_TRUE(b.try_acquire());
  EXPECT_EQ(locks_of_this_thread, 2u);
  EXPECT_FALSE(b.try_acquire());
  EXPECT_EQ(locks_of_this_thread, 2u);
  std::thread([] { EXPECT_EQ(locks_of_this_thread, 0u); }).join();
  b.release();
  a.release();
  EXPECT_EQ(locks_of_this_thread, 0u);
}

TEST(lock, is_counted_through_a_fork_and_passed_by_its_thread) {
  lock a;
  lock made_meanwhile;
  a.acquire_for_fork();
  thread_is_forking = true;
  EXPECT_EQ(locks_of_this_thread, 1u);
  {
    lock_guard guard(a);  // a handler of the program allocates
    EXPECT_EQ(locks_of_this_thread, 2u);
  }
  EXPECT_TRUE(a.is_held());
  thread_is_forking = false;
  a.release_after_fork();
  made_meanwhile.release_after_fork();
  EXPECT_EQ(locks_of_this_thread, 0u);
  a.acquire_for_fork();
  a.reset_after_fork();
  made_meanwhile.reset_after_fork();
  EXPECT_EQ(locks_of_this_thread, 0u);
  EXPECT_FALSE(a.is_held());
}

TEST(lock, is_free_after_reset_though_it_was_contended) {
  lock l;
  l.acquire();
  l.reset_after_fork();
  EXPECT_TRUE(l.try_acquire());
  l.release();
}

}  // namespace
}  // namespace ashlar
