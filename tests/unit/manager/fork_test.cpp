// SPDX-License-Identifier: MIT
// A child of fork uses the managers of many threads, whatever those were doing at the fork.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "ashlar/arena.hpp"
#include "ashlar/compose.hpp"
#include "ashlar/pool.hpp"
#include "ashlar/shared_arena.hpp"
#include "support/child.hpp"
#include "support/scale.hpp"

namespace ashlar {
namespace {

/// Threads that do one thing over and over, until the end.
class busy_threads {
 public:
  template <class Work>
  explicit busy_threads(Work work) {
    for (int i = 0; i < 3; ++i)
      threads_.emplace_back([this, work] {
        while (!is_over_) {
          work();
          ++rounds_;
        }
      });
    while (rounds_ < 100) std::this_thread::yield();
  }
  ~busy_threads() {
    is_over_ = true;
    for (std::thread& t : threads_) t.join();
  }

 private:
  std::atomic<bool> is_over_ = false;
  std::atomic<std::size_t> rounds_ = 0;
  std::vector<std::thread> threads_;
};

/// Forks again and again; `in_child` tells what is wrong, 0: nothing. Returns how many did not end
/// well. A child that waits for a lock of a thread that is not there is killed by its alarm.
template <class InChild>
int bad_children(std::size_t forks, InChild in_child) {
  int bad = 0;
  for (std::size_t i = 0; i < test::scaled(forks) && bad < 3; ++i)
    bad += !test::ended_well(test::run_in_child([&] { ::_exit(in_child()); }, 10));
  return bad;
}

TEST(fork, leaves_a_shared_arena_whole) {
  shared_arena a({.run_size = 512});  // so that threads are under the lock most of the time
  const busy_threads pushing([&a] {
    for (int i = 0; i < 20; ++i) (void)a.allocate({100, 16});
    a.clear();
  });
  EXPECT_EQ(bad_children(200,
                         [&a] {
                           for (int i = 0; i < 100; ++i)
                             if (!a.allocate({100, 16})) return 3;
                           a.clear();
                           return a.check_invariants() ? 0 : 4;
                         }),
            0);
}

TEST(fork, leaves_the_slots_of_lost_threads_to_those_that_come) {
  shared_arena a;
  ASSERT_TRUE(a.allocate({16, 16}));
  std::atomic<bool> has_pushed = false;
  std::atomic<bool> is_over = false;
  std::thread other([&] {
    has_pushed = static_cast<bool>(a.allocate({16, 16}));
    while (!is_over) std::this_thread::yield();
  });
  while (!has_pushed) std::this_thread::yield();
  const std::size_t held = a.usage().held;
  const int status = test::run_in_child([&] {
    std::thread([&] { (void)a.allocate({16, 16}); }).join();
    ::_exit(a.usage().held == held ? 0 : 3);
  });
  is_over = true;
  other.join();
  EXPECT_TRUE(test::ended_well(status));
}

/// Takes and gives back what keeps a pool of many threads under its locks.
template <class Pool>
bool is_served_by(Pool& p) {
  void* blocks[40];
  for (void*& b : blocks) b = p.get();
  bool all = true;
  for (void* const b : blocks) {
    all = all && b != nullptr;
    p.put(b);
  }
  (void)p.trim(0);
  return all;
}

template <class Pool>
int bad_children_of(Pool& p) {
  const busy_threads taking([&p] {
    std::thread([&p] { (void)is_served_by(p); }).join();  // one that ends
    for (int i = 0; i < 20; ++i) (void)is_served_by(p);
  });
  return bad_children(200, [&p] {
    for (int i = 0; i < 10; ++i)
      if (!is_served_by(p)) return 3;
    if (!p.check_invariants()) return 4;
    p.~Pool();  // which waits for records that are leaving
    return 0;
  });
}

TEST(fork, leaves_a_thread_cached_pool_whole) {
  thread_cached_pool p({64, 16}, {.magazine = 4});
  EXPECT_EQ(bad_children_of(p), 0);
}

TEST(fork, leaves_thread_pools_whole) {
  thread_pools p({64, 16});
  EXPECT_EQ(bad_children_of(p), 0);
}

// The lock of the outer one is held while the inner one's is wanted, and the other way round.
TEST(fork, holds_locks_of_managers_that_stand_on_each_other) {
  locked<arena> lowest(arena_options{.kind = backing::chained});
  thread_cached_pool pool({1024, 64}, {.upstream = lowest});
  shared_arena upper({.run_size = 1024, .upstream = pool});
  locked<memory> uppermost(upper);
  const busy_threads pushing([&] {
    (void)uppermost.allocate({200, 8});
    (void)is_served_by(pool);
    (void)lowest.allocate({64, 8});
    upper.clear();
  });
  EXPECT_EQ(bad_children(100,
                         [&] {
                           const bool all = uppermost.allocate({200, 8}) && is_served_by(pool) &&
                                            lowest.allocate({64, 8});
                           return all ? 0 : 3;
                         }),
            0);
}

}  // namespace
}  // namespace ashlar
