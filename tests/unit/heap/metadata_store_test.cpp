// SPDX-License-Identifier: MIT
// Pieces are zero, apart from each other, recycled, and all given back.
#include "ashlar/heap/metadata_store.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <thread>
#include <vector>

#include "ashlar/base/bits.hpp"
#include "support/counters.hpp"
#include "support/fake_os.hpp"
#include "support/pattern.hpp"
#include "support/random.hpp"

namespace ashlar {
namespace {

TEST(metadata_store, pieces_are_zero_aligned_and_recycled) {
  metadata_store store;
  for (const std::size_t size : {1u, 64u, 65u, 1000u, 1024u, 1025u, 5000u, 131072u}) {
    void* const p = store.allocate(size);
    ASSERT_NE(p, nullptr) << size;
    EXPECT_TRUE(is_aligned(address_of(p), 64));
    EXPECT_EQ(test::first_nonzero(p, size), size);
    std::memset(p, 0xff, size);
    store.deallocate(p, size);
    void* const again = store.allocate(size);
    EXPECT_EQ(again, p) << size;
    EXPECT_EQ(test::first_nonzero(again, size), size);
  }
  store.release();
}

TEST(metadata_store, large_pieces_are_mappings_that_go_back) {
  metadata_store store;
  const test::counter_watch watch;
  const std::size_t size = metadata_store::direct_limit + 1;
  void* const p = store.allocate(size);
  ASSERT_NE(p, nullptr);
  const std::size_t mapped = align_up(256_KiB, os::page_size());
  watch.expect(mapped, mapped);
  store.deallocate(p, size);
  watch.expect(0, 0);
}

TEST(metadata_store, pieces_never_overlap) {
  test::random_source random(11);
  metadata_store store;
  std::map<std::byte*, std::size_t> live;
  for (int step = 0; step < 4000; ++step) {
    if (live.empty() || !random.one_in(3)) {
      const std::size_t size = random.log_uniform(step % 50 == 0 ? 300_KiB : 8_KiB);
      auto* const p = static_cast<std::byte*>(store.allocate(size));
      ASSERT_NE(p, nullptr);
      ASSERT_EQ(test::first_nonzero(p, size), size);
      const auto next = live.lower_bound(p);
      if (next != live.end()) {
        ASSERT_LE(p + size, next->first);
      }
      if (next != live.begin()) {
        ASSERT_LE(std::prev(next)->first + std::prev(next)->second, p);
      }
      test::fill_pattern(p, size, address_of(p));
      live[p] = size;
    } else {
      auto victim = live.begin();
      std::advance(victim, random.below(live.size()));
      ASSERT_TRUE(test::has_pattern(victim->first, victim->second, address_of(victim->first)));
      store.deallocate(victim->first, victim->second);
      live.erase(victim);
    }
  }
  for (const auto& [p, size] : live) store.deallocate(p, size);
  store.release();
}

TEST(metadata_store, gives_everything_back) {
  const test::counter_watch watch;
  metadata_store store;
  for (int i = 0; i < 3000; ++i)
    ASSERT_NE(store.allocate(64_KiB), nullptr);  // several reservations
  EXPECT_GT(watch.committed(), 3000 * 64_KiB);
  store.release();
  watch.expect(0, 0);
  // And begins again.
  EXPECT_NE(store.allocate(100), nullptr);
  store.release();
  watch.expect(0, 0);
}

TEST(metadata_store, refusals_lose_nothing) {
  for (unsigned n = 1; n <= 12; ++n) {
    const test::counter_watch watch;
    metadata_store store;
    {
      test::fake_os os;
      os.refuse_call(n);
      std::size_t got = 0;
      for (int i = 0; i < 40; ++i) {
        void* const p = store.allocate(i % 8 == 0 ? 200_KiB : 16_KiB);
        if (p == nullptr) continue;
        ++got;
        std::memset(p, 1, i % 8 == 0 ? 200_KiB : 16_KiB);
        if (i % 8 == 0) store.deallocate(p, 200_KiB);
      }
      EXPECT_GE(got, 39u);
    }
    store.release();
    os::release(os::reserve(64_KiB, 64_KiB).value, 0);  // what was refused is offered again
    watch.expect(0, 0);
  }
}

TEST(metadata_store, falls_back_to_small_reservations) {
  const test::counter_watch watch;
  metadata_store store;
  {
    test::fake_os os;
    os.limit_address_space(2_MiB);
    EXPECT_NE(store.allocate(1000), nullptr);
    EXPECT_EQ(watch.reserved(), 1_MiB);
  }
  store.release();
}

TEST(metadata_store, counts_what_is_resident) {
  metadata_store store;
  void* const p = store.allocate(128_KiB);
  const std::size_t before = store.resident_bytes();
  std::memset(p, 1, 128_KiB);
  EXPECT_GE(store.resident_bytes(), before + 120_KiB);
  store.release();
}

TEST(metadata_store, serves_threads) {
  metadata_store store;
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&store, t] {
      test::random_source random(t);
      std::vector<std::pair<void*, std::size_t>> mine;
      for (int i = 0; i < 2000; ++i) {
        const std::size_t size = random.log_uniform(4_KiB);
        void* const p = store.allocate(size);
        ASSERT_EQ(test::first_nonzero(p, size), size);
        test::fill_pattern(p, size, t);
        mine.emplace_back(p, size);
        if (!random.one_in(2)) continue;
        ASSERT_TRUE(test::has_pattern(mine.back().first, size, t));
        store.deallocate(p, size);
        mine.pop_back();
      }
      for (const auto& [p, size] : mine) ASSERT_TRUE(test::has_pattern(p, size, t));
    });
  }
  for (std::thread& t : threads) t.join();
  store.release();
}

}  // namespace
}  // namespace ashlar
