// SPDX-License-Identifier: MIT
// Limits hold, their callbacks are called when the header says so, and reclaimers are asked before
// an allocation fails.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "ashlar/base/units.hpp"
#include "ashlar/heap/heap.hpp"
#include "ashlar/manager/memory_system.hpp"
#include "support/fake_os.hpp"
#include "support/heap_calls.hpp"
#include "support/scale.hpp"
#include "unit/heap/heap_fixture.hpp"

namespace ashlar {
namespace {

struct limit_record {
  heap* subject = nullptr;
  std::vector<void*> spare;  // freed at the hard limit
  int soft_calls = 0;
  int hard_calls = 0;
  std::size_t last_used = 0;
  std::size_t last_wanted = 0;

  heap_limits limits(std::size_t soft, std::size_t hard) {
    return {.soft = soft,
            .hard = hard,
            .context = this,
            .above_soft =
                [](void* context, std::size_t used) {
                  auto& self = *static_cast<limit_record*>(context);
                  ++self.soft_calls;
                  self.last_used = used;
                },
            .at_hard =
                [](void* context, std::size_t used, std::size_t wanted) {
                  auto& self = *static_cast<limit_record*>(context);
                  ++self.hard_calls;
                  self.last_used = used;
                  self.last_wanted = wanted;
                  return self.free_spare();
                }};
  }

  // No lock may be held, so the callback may use the heap.
  bool free_spare() {
    if (spare.empty()) return false;
    subject->deallocate(spare.back());
    spare.pop_back();
    return true;
  }
};

using heap_limits_test = test::plain_heaps;

TEST_F(heap_limits_test, hard_limit_is_never_exceeded) {
  for (const std::size_t hard : {1_MiB, 10_MiB, 10_MiB + 100, 50_MiB}) {
    for (const std::size_t size : {100_KiB / 1024, 30_KiB, 100_KiB, 700_KiB, 40_MiB}) {
      limit_record record;
      heap h{{.limits = record.limits(heap_limits::none, hard)}};
      record.subject = &h;
      allocation a;
      do {
        a = h.allocate({size});
        ASSERT_LE(h.used_bytes(), hard);
      } while (a);
      EXPECT_EQ(a.reason(), status::over_budget) << size << " in " << hard;
      EXPECT_GT(record.hard_calls, 0) << size << " in " << hard;
      h.check_invariants();
    }
  }
}

TEST_F(heap_limits_test, hard_limit_holds_for_threads_together) {
  for (const std::size_t size : {16_KiB, 1_MiB, 40_MiB}) {
    const std::size_t hard = size < 1_MiB ? 1_MiB : size + size / 2;
    const std::size_t rounds = test::scaled(200);
    for (std::size_t r = 0; r < rounds; ++r) {
      heap h{{.limits = {.hard = hard}}};
      std::atomic<int> ready{0};
      std::vector<std::thread> threads;
      for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
          ++ready;
          while (ready != 4) std::this_thread::yield();
          for (int i = 0; i < 100; ++i) static_cast<void>(h.allocate({size}).data());
        });
      }
      for (std::thread& t : threads) t.join();
      ASSERT_LE(h.used_bytes(), hard) << size;
      EXPECT_GT(h.used_bytes(), 0u);
    }
  }
}

TEST_F(heap_limits_test, hold_for_two_heaps_together_that_count_each_other) {
  for (const std::size_t size : {16_KiB, 1_MiB}) {
    const std::size_t hard = 8_MiB;
    const std::size_t rounds = test::scaled(100);
    for (std::size_t r = 0; r < rounds; ++r) {
      heap heaps[2] = {heap{{.limits = {.hard = hard}}}, heap{{.limits = {.hard = hard}}}};
      heaps[0].count_with(&heaps[1]);
      heaps[1].count_with(&heaps[0]);
      std::atomic<int> ready{0};
      std::vector<std::thread> threads;
      for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
          ++ready;
          while (ready != 4) std::this_thread::yield();
          for (int i = 0; i < 200; ++i) static_cast<void>(heaps[t % 2].allocate({size}).data());
        });
      }
      for (std::thread& t : threads) t.join();
      ASSERT_LE(heaps[0].used_bytes() + heaps[1].used_bytes(), hard) << size;
      EXPECT_GT(heaps[0].used_bytes() + heaps[1].used_bytes(), hard / 2) << size;
      for (heap& h : heaps) h.count_with(nullptr);
    }
  }
}

// Each thread's own slabs of all classes would come to more than the limit leaves.
TEST_F(heap_limits_test, threads_share_slabs_where_memory_is_short) {
  constexpr std::size_t hard = 16_MiB;
  constexpr std::size_t thread_count = 8;
  const std::size_t rounds = test::scaled(5);
  for (std::size_t r = 0; r < rounds; ++r) {
    heap h{{.limits = {.hard = hard}}};
    std::atomic<std::size_t> live{0};
    std::atomic<std::size_t> ended{0};
    const auto fill_up = [&](std::size_t number) {
      std::vector<void*> blocks;
      for (std::size_t i = number;; i += 7) {
        const std::size_t size = 16 + i * 1021 % 4000;
        const allocation a = h.allocate({size});
        if (!a) break;
        if (i % 3 == 0) {
          h.deallocate(a.data());
        } else {
          blocks.push_back(a.data());
          live += size;
        }
      }
      ++ended;
      while (ended != thread_count) std::this_thread::yield();
      for (void* const p : blocks) h.deallocate(p);
    };
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < thread_count; ++t) threads.emplace_back(fill_up, t);
    for (std::thread& t : threads) t.join();
    EXPECT_GT(live, hard / 8 * 5);
    h.check_invariants();
    h.trim();
    EXPECT_LE(h.used_bytes(), 1_MiB);
  }
}

TEST_F(heap_limits_test, a_larger_block_that_is_there_is_better_than_none) {
  heap h{{.limits = {.hard = 8 * slice_size}}};
  const allocation large = h.allocate({256});
  ASSERT_TRUE(h.allocate({1_KiB}));  // too large to stand in for 64 bytes
  ASSERT_TRUE(large);
  std::size_t larger = 0;
  for (allocation a; (a = h.allocate({60, 64}, fit::get_no_less));
       larger += a.size() != 64 ? 1 : 0) {
    ASSERT_LE(a.size(), 256u);
    ASSERT_GE(a.size(), 60u);
    ASSERT_EQ(address_of(a.data()) % 64, 0u);
    ASSERT_EQ(heap::usable_size(a.data()), a.size());
  }
  EXPECT_EQ(larger, slice_size / 256 - 1);
  h.check_invariants();
}

TEST_F(heap_limits_test, at_hard_may_free_and_have_it_tried_again) {
  for (const std::size_t size : {100_KiB, 300_KiB, 3_MiB}) {
    limit_record record;
    heap h{{.limits = record.limits(heap_limits::none, 16_MiB)}};
    record.subject = &h;
    std::vector<void*> blocks;
    while (const allocation a = h.allocate({size})) blocks.push_back(a.data());
    record.spare = blocks;
    record.hard_calls = 0;
    const std::size_t before = record.spare.size();
    for (int i = 0; i < 3; ++i) {
      // A medium block may share its slab, so one free may not be enough; three are tried.
      const allocation a = h.allocate({size});
      if (!a) continue;
      EXPECT_LE(h.used_bytes(), 16_MiB);
      h.deallocate(a.data());
    }
    EXPECT_GT(record.hard_calls, 0);
    EXPECT_LT(record.spare.size(), before);
  }
}

TEST_F(heap_limits_test, growth_in_place_counts) {
  limit_record record;
  heap h{{.limits = record.limits(heap_limits::none, 4_MiB)}};
  record.subject = &h;
  void* const p = h.allocate({1_MiB}).data();
  EXPECT_TRUE(test::try_resize(h, p, 3_MiB));
  EXPECT_FALSE(test::try_resize(h, p, 5_MiB));
  EXPECT_FALSE(h.reallocate({p}, default_alignment, {5_MiB}));
  EXPECT_EQ(heap::usable_size(p), 3_MiB);
  h.set_limits({});
  EXPECT_TRUE(test::try_resize(h, p, 5_MiB));
}

TEST_F(heap_limits_test, soft_limit_is_reported_once_a_crossing) {
  limit_record record;
  heap h{{.limits = record.limits(4_MiB, heap_limits::none)}};
  record.subject = &h;
  for (int crossing = 1; crossing <= 3; ++crossing) {
    std::vector<void*> blocks;
    for (int i = 0; i < 10; ++i) blocks.push_back(h.allocate({1_MiB}).data());
    EXPECT_EQ(record.soft_calls, crossing);
    EXPECT_GT(record.last_used, 4_MiB);
    for (void* const p : blocks) h.deallocate(p);
    h.deallocate(h.allocate({1_MiB}).data());  // below, and seen to be
  }
}

TEST_F(heap_limits_test, none_means_none) {
  heap h{heap_options{}};
  EXPECT_TRUE(h.allocate({200_MiB}));
}

// --- reclaimers ---

struct reclaimer_record {
  heap* subject;
  std::vector<void*> spare;
  int calls = 0;
  std::size_t last_wanted = 0;

  static bool reclaim(void* context, std::size_t wanted) {
    auto& self = *static_cast<reclaimer_record*>(context);
    ++self.calls;
    self.last_wanted = wanted;
    if (self.spare.empty()) return false;
    for (void* const p : self.spare) self.subject->deallocate(p);
    self.spare.clear();
    return true;
  }
};

using reclaimers = test::plain_heaps;

TEST_F(reclaimers, are_asked_before_an_allocation_fails) {
  heap h{{.limits = {.hard = 8_MiB}}};
  reclaimer_record record{&h, {}};
  ASSERT_TRUE(system().add_reclaimer(&record, reclaimer_record::reclaim));
  while (record.spare.size() < 7) record.spare.push_back(h.allocate({1_MiB}).data());
  const allocation a = h.allocate({5_MiB});
  EXPECT_TRUE(a);
  EXPECT_EQ(record.calls, 1);
  EXPECT_GE(record.last_wanted, 5_MiB);
  EXPECT_FALSE(h.allocate({5_MiB})) << "nothing left to reclaim";
  EXPECT_GT(record.calls, 1);
  const int calls = record.calls;
  system().remove_reclaimer(&record);
  EXPECT_FALSE(h.allocate({5_MiB}));
  EXPECT_EQ(record.calls, calls);
}

TEST_F(reclaimers, are_asked_when_the_os_has_no_memory) {
  heap h{heap_options{}};
  reclaimer_record record{&h, {}};
  ASSERT_TRUE(h.allocate({100}));
  ASSERT_TRUE(system().add_reclaimer(&record, reclaimer_record::reclaim));
  record.spare.push_back(h.allocate({64_MiB}).data());
  {
    test::fake_os os;
    os.refuse_all(test::call_kind::map);
    EXPECT_EQ(h.allocate({40_MiB}).reason(), status::no_memory);
    EXPECT_GT(record.calls, 0);
    EXPECT_TRUE(record.spare.empty());
  }
  EXPECT_TRUE(h.allocate({40_MiB}));
  system().remove_reclaimer(&record);
}

// A callback that writes a log line allocates, just when there is no memory.
TEST_F(reclaimers, may_allocate_and_are_not_called_for_that) {
  struct allocating {
    heap* subject;
    int calls = 0;

    static bool call(void* context, std::size_t) {
      auto& self = *static_cast<allocating*>(context);
      ++self.calls;
      EXPECT_FALSE(self.subject->allocate({5_MiB}));
      const allocation small = self.subject->allocate({100});
      EXPECT_TRUE(small);
      self.subject->deallocate(small.data());
      return false;
    }
  };
  heap h{heap_options{}};
  allocating record{&h};
  h.set_limits({.hard = 4_MiB,
                .context = &record,
                .at_hard = [](void* context, std::size_t used, std::size_t wanted) {
                  EXPECT_LE(used, 4_MiB);
                  return allocating::call(context, wanted);
                }});
  ASSERT_TRUE(system().add_reclaimer(&record, allocating::call));
  EXPECT_EQ(h.allocate({5_MiB}).reason(), status::over_budget);
  EXPECT_GE(record.calls, 2) << "the reclaimer and the callback of the limit";
  EXPECT_LE(record.calls, 8);
  system().remove_reclaimer(&record);
}

}  // namespace
}  // namespace ashlar
