// SPDX-License-Identifier: MIT
// The pools for many threads: blocks that change hands, threads that end, managers that end first.
#include <gtest/gtest.h>

#include <barrier>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "ashlar/base/units.hpp"
#include "ashlar/pool.hpp"
#include "support/fault_log.hpp"
#include "support/pattern.hpp"
#include "support/random.hpp"
#include "support/scale.hpp"
#include "support/unwatched.hpp"
#include "support/upstream.hpp"

namespace ashlar {
namespace {

template <class Pool>
class pools_for_threads : public ::testing::Test {};
using kinds = ::testing::Types<thread_cached_pool, thread_pools>;
TYPED_TEST_SUITE(pools_for_threads, kinds);

constexpr std::size_t size = 48;

template <class F>
void in_thread(F f) {
  std::thread(f).join();
}

TYPED_TEST(pools_for_threads, are_made_at_compile_time) {
  static constinit TypeParam p({size, 8});
  EXPECT_EQ(p.usage().held, 0u);
  void* const b = p.get();
  ASSERT_NE(b, nullptr);
  p.put(b);
  EXPECT_EQ(p.usage().live_blocks, 0u);
}

TYPED_TEST(pools_for_threads, hand_out_first_what_this_thread_put_last) {
  const test::unwatched quiet;  // under a tool, blocks rest
  TypeParam p({size, 8});
  void* const a = p.get();
  void* const b = p.get();
  p.put(a);
  p.put(b);
  EXPECT_EQ(p.get(), b);
  EXPECT_EQ(p.get(), a);
}

TYPED_TEST(pools_for_threads, let_blocks_live_on_when_their_thread_ends) {
  test::counting_upstream upstream;
  {
    TypeParam p({size, 8}, {.upstream = upstream});
    std::vector<void*> blocks;
    in_thread([&] {
      for (std::uint64_t i = 0; i < 3000; ++i) {
        blocks.push_back(p.get());
        test::fill_pattern(blocks.back(), size, i);
      }
      p.put(blocks.back());
      blocks.pop_back();
    });
    EXPECT_EQ(p.usage().live_blocks, 2999u);
    for (std::uint64_t i = 0; i < blocks.size(); ++i) {
      EXPECT_TRUE(test::has_pattern(blocks[i], size, i));
      p.put(blocks[i]);
    }
    EXPECT_EQ(p.usage().live_blocks, 0u);
    EXPECT_TRUE(p.check_invariants());
    (void)p.trim();
    EXPECT_LT(p.usage().held, 8_KiB) << "what threads that ended left behind can be trimmed";
    EXPECT_EQ(p.usage().held, upstream.bytes());
  }
  EXPECT_EQ(upstream.live(), 0u);
}

TYPED_TEST(pools_for_threads, give_what_an_ended_thread_had_to_a_new_one) {
  test::counting_upstream upstream;
  TypeParam p({size, 8}, {.upstream = upstream});
  for (int i = 0; i < 50; ++i) {
    in_thread([&] {
      void* const b = p.get();
      p.put(b);
    });
  }
  EXPECT_LE(p.usage().held, 64_KiB + 4_KiB) << "one record and one slab served them all";
}

TYPED_TEST(pools_for_threads, may_end_before_threads_that_used_them) {
  std::barrier<> steps(2);
  std::optional<TypeParam> p;
  p.emplace(layout{size, 8});
  std::thread user([&] {
    p->put(p->get());
    steps.arrive_and_wait();  // the pool ends
    steps.arrive_and_wait();  // another one begins, perhaps at the same place
    p->put(p->get());
    steps.arrive_and_wait();
  });
  steps.arrive_and_wait();
  p.reset();
  p.emplace(layout{size, 8});
  steps.arrive_and_wait();
  steps.arrive_and_wait();
  EXPECT_EQ(p->usage().live_blocks, 0u);
  user.join();
}

TYPED_TEST(pools_for_threads, are_told_apart_when_there_are_many) {
  std::vector<std::unique_ptr<TypeParam>> pools;  // more than a thread remembers at once
  for (int i = 0; i < 40; ++i) pools.push_back(std::make_unique<TypeParam>(layout{size, 8}));
  std::vector<void*> blocks;
  for (int round = 0; round < 3; ++round) {
    for (auto& p : pools) blocks.push_back(p->get());
    for (std::size_t i = 0; i < pools.size(); ++i) {
      EXPECT_TRUE(pools[i]->owns(blocks[i]));
      pools[i]->put(blocks[i]);
      EXPECT_EQ(pools[i]->usage().live_blocks, 0u);
    }
    blocks.clear();
  }
}

TYPED_TEST(pools_for_threads, report_what_they_did_not_hand_out) {
  test::fault_log faults;
  TypeParam p({size, 8});
  TypeParam other({size, 8});
  void* const b = p.get();
  void* const foreign = other.get();
  int on_stack = 0;
  for (void* const wrong : {foreign, static_cast<void*>(&on_stack)}) {
    p.put(wrong);
    EXPECT_TRUE(faults.took(fault_kind::invalid_free, wrong));
  }
  void* const inside = static_cast<std::byte*>(b) + 8;
  p.put(inside);
  EXPECT_TRUE(faults.took(fault_kind::interior_free, inside));
  p.deallocate({b, size + 1}, 8);
  EXPECT_TRUE(faults.took(fault_kind::size_mismatch, b));
  p.put(b);
  p.put(b);
  EXPECT_TRUE(faults.took(fault_kind::double_free, b));
  p.put(nullptr);
  EXPECT_EQ(faults.count(), 0u);
  EXPECT_TRUE(p.check_invariants());
}

TYPED_TEST(pools_for_threads, say_when_there_is_no_memory) {
  test::counting_upstream upstream;
  TypeParam p({size, 8}, {.upstream = upstream});
  for (const std::size_t accepted : {0u, 1u}) {
    upstream.refuse_after(accepted);
    EXPECT_EQ(p.allocate({size, 8}).reason(), status::no_memory);
  }
  upstream.accept_all();
  EXPECT_TRUE(p.allocate({size, 8}));
  TypeParam odd({8, 24});
  EXPECT_EQ(odd.allocate({8, 8}).reason(), status::bad_alignment);
  EXPECT_EQ(odd.get(), nullptr);
}

/// A block and what was written into it.
struct stamped {
  void* data = nullptr;
  std::uint64_t stamp = 0;
};

/// Places where threads leave blocks for each other.
class exchange {
 public:
  void swap(stamped& one, std::size_t at) {
    const std::lock_guard guard(mutex_);
    std::swap(one, places_[at % std::size(places_)]);
  }

  static constexpr std::size_t size = 64;

 private:
  std::mutex mutex_;
  stamped places_[size];
};

template <class Pool>
void get_and_put(Pool& p, exchange& others, std::uint64_t seed) {
  test::random_source random(seed);
  std::vector<stamped> live(100);
  for (std::size_t i = 0; i < test::scaled(30'000); ++i) {
    stamped& one = live[random.below(live.size())];
    if (random.one_in(4)) others.swap(one, random.below(exchange::size));
    if (one.data == nullptr) {
      one = {p.get(), seed << 32 | i};
      ASSERT_NE(one.data, nullptr);
      test::fill_pattern(one.data, size, one.stamp);
    } else {
      ASSERT_TRUE(test::has_pattern(one.data, size, one.stamp));
      p.put(one.data);
      one = {};
    }
    if (random.one_in(1000)) (void)p.trim();
  }
  for (const stamped& one : live) p.put(one.data);
}

TYPED_TEST(pools_for_threads, keep_blocks_apart_while_threads_come_and_go) {
  test::counting_upstream upstream;
  {
    TypeParam p({size, 8}, {.upstream = upstream, .page_size = 4_KiB, .magazine = 8});
    exchange others;
    for (std::uint64_t wave = 0; wave < 4; ++wave) {
      std::vector<std::thread> threads;
      for (std::uint64_t t = 1; t <= 4; ++t)
        threads.emplace_back([&, t] { get_and_put(p, others, wave * 4 + t); });
      for (std::thread& t : threads) t.join();
      EXPECT_TRUE(p.check_invariants());
    }
    for (std::size_t i = 0; i < exchange::size; ++i) {
      stamped last;
      others.swap(last, i);
      EXPECT_TRUE(last.data == nullptr || test::has_pattern(last.data, size, last.stamp));
      p.put(last.data);
    }
    EXPECT_EQ(p.usage().live_blocks, 0u);
    EXPECT_TRUE(p.check_invariants());
    EXPECT_EQ(p.usage().held, upstream.bytes());
  }
  EXPECT_EQ(upstream.live(), 0u);
}

TEST(thread_pools, bring_blocks_home_through_the_inbox) {
  test::counting_upstream upstream;
  thread_pools p({1024, 8}, {.upstream = upstream});
  std::vector<void*> blocks(500);
  for (int round = 0; round < 20; ++round) {
    for (void*& b : blocks) b = p.get();
    in_thread([&] {
      for (void* const b : blocks) p.put(b);
    });
  }
  EXPECT_EQ(p.usage().live_blocks, 0u);
  EXPECT_LE(p.usage().held, 11 * 64_KiB) << "the same blocks were used in each round";
}

TEST(thread_pools, share_no_slab_between_threads) {
  thread_pools p({64, 8}, {.cache_line = true});
  void* const mine = p.get();
  void* theirs = nullptr;
  in_thread([&] { theirs = p.get(); });
  EXPECT_NE(address_of(mine) / 64_KiB, address_of(theirs) / 64_KiB);
}

TEST(thread_cached_pool, keeps_no_more_than_its_magazine_holds) {
  const test::unwatched quiet;
  thread_cached_pool p({4_KiB, 8}, {.magazine = 1000});
  std::vector<void*> blocks(200);
  for (void*& b : blocks) b = p.get();
  for (void* const b : blocks) p.put(b);
  EXPECT_LE(p.usage().held, 3 * 64_KiB + 8_KiB) << "64 KiB in the magazine, a spare slab";
  EXPECT_TRUE(p.check_invariants());
}

// Threads come while others are at work: none may change what those read.
TYPED_TEST(pools_for_threads, keep_no_block_for_a_thread_where_a_tool_watches) {
  const test::watched by_a_tool;
  TypeParam p({size, 8});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&p] {
      for (int i = 0; i < 1000; ++i) {
        void* const b = p.get();
        test::fill_pattern(b, size, 1);
        p.put(b);
      }
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(p.usage().live_blocks, 0u);
  EXPECT_TRUE(p.check_invariants());
}

TEST(thread_cached_pool, has_empty_magazines_where_a_tool_watches) {
  const test::watched by_a_tool;
  thread_cached_pool p({64, 8}, {.spare = 0});
  void* const a = p.get();
  void* const b = p.get();
  p.put(a);
  p.put(b);
  in_thread([&p] { EXPECT_EQ(p.trim(), 0u) << "the slab went back with its last block"; });
  EXPECT_TRUE(p.check_invariants());
}

TYPED_TEST(pools_for_threads, resize_of_what_is_no_block_of_them_is_a_fault) {
  test::fault_log faults;
  TypeParam p({size, 8});
  void* const ours = p.get();
  alignas(16) static std::byte foreign[64];
  EXPECT_EQ(p.reallocate({foreign, 8}, 8, {.size = 12}).reason(), status::unsupported);
  EXPECT_TRUE(faults.took(fault_kind::invalid_resize, foreign));
  EXPECT_TRUE(p.reallocate({ours, 8}, 8, {.size = 12}));
  p.put(ours);
}

}  // namespace
}  // namespace ashlar
