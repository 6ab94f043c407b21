// SPDX-License-Identifier: MIT
// Spans are cut, coalesce, grow, shrink and are purged, and the records always agree.
#include "ashlar/heap/span_store.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <vector>

#include "ashlar/base/units.hpp"
#include "ashlar/heap/heap_registry.hpp"
#include "ashlar/manager/source/user_os.hpp"
#include "support/counters.hpp"
#include "support/fake_os.hpp"
#include "support/pattern.hpp"
#include "support/random.hpp"
#include "support/user_memory.hpp"

namespace ashlar {
namespace {

/// A store over its own source. Large, so not on the stack.
class span_store_test : public ::testing::Test {
 protected:
  span_store_test() {
    EXPECT_TRUE(process_heaps.start());
    store_->initialize(system_os());
    // The first span to be freed starts the store's clock, and may be purged at once.
    store_->deallocate(store_->allocate(1));
    store_->purge(0);
  }
  ~span_store_test() override {
    check();
    store_->release();
  }

  void check() {
    lock_guard guard(store_->mutex());
    store_->check_invariants();
  }

  std::unique_ptr<span_store> store_ = std::make_unique<span_store>();
};

TEST_F(span_store_test, cuts_spans_that_do_not_overlap_and_read_as_zero) {
  const span a = store_->allocate(3);
  const span b = store_->allocate(1);
  ASSERT_NE(a.data, nullptr);
  ASSERT_NE(b.data, nullptr);
  EXPECT_TRUE(is_aligned(address_of(a.data), slice_size));
  EXPECT_TRUE(b.data >= a.data + 3 * slice_size || b.data + slice_size <= a.data);
  EXPECT_TRUE(a.zeroed && b.zeroed);
  EXPECT_EQ(test::first_nonzero(a.data, 3 * slice_size), 3 * slice_size);
  EXPECT_EQ(store_->used_bytes(), 4 * slice_size);
  store_->deallocate(a);
  store_->deallocate(b);
  EXPECT_EQ(store_->used_bytes(), 0u);
  EXPECT_EQ(store_->peak_used_bytes(), 4 * slice_size);
}

TEST_F(span_store_test, coalesces_with_both_neighbours) {
  span s[3];
  for (span& x : s) x = store_->allocate(5);
  const span fence = store_->allocate(1);
  store_->deallocate(s[0]);
  store_->deallocate(s[2]);
  check();
  store_->deallocate(s[1]);
  check();
  // 15 slices in a row are there again, where they were.
  const span whole = store_->allocate(15);
  EXPECT_EQ(whole.data, s[0].data);
  store_->deallocate(whole);
  store_->deallocate(fence);
}

TEST_F(span_store_test, takes_the_best_fit) {
  span holes[4];
  const std::uint32_t lengths[4] = {40, 9, 34, 6};
  span fences[4];
  for (int i = 0; i < 4; ++i) {
    holes[i] = store_->allocate(lengths[i]);
    fences[i] = store_->allocate(1);
  }
  for (const span& h : holes) store_->deallocate(h);
  const span seven = store_->allocate(7);
  EXPECT_EQ(seven.data, holes[1].data) << "of 40, 9, 34 and 6 slices";
  const span large = store_->allocate(33);
  EXPECT_EQ(large.data, holes[2].data);
  for (const span& s : {seven, large, fences[0], fences[1], fences[2], fences[3]})
    store_->deallocate(s);
}

TEST_F(span_store_test, prefers_pages_that_are_there) {
  const span a = store_->allocate(4);
  const span fence = store_->allocate(1);
  std::memset(a.data, 1, 4 * slice_size);
  store_->deallocate(a);
  const span b = store_->allocate(2);
  EXPECT_EQ(b.data, a.data);
  EXPECT_FALSE(b.zeroed);
  store_->deallocate(b);
  store_->deallocate(fence);
}

TEST_F(span_store_test, aligns) {
  const span odd = store_->allocate(1);
  for (std::uint32_t alignment = 1; alignment <= 4096; alignment *= 2) {
    const span s = store_->allocate(3, alignment);
    ASSERT_NE(s.data, nullptr) << alignment;
    EXPECT_TRUE(is_aligned(address_of(s.data), alignment * slice_size));
    check();
    store_->deallocate(s);
  }
  store_->deallocate(odd);
}

TEST_F(span_store_test, grows_into_what_is_free_behind) {
  span a = store_->allocate(4);
  bool zeroed = false;
  ASSERT_TRUE(store_->try_grow(a, 10, zeroed));
  EXPECT_EQ(a.slices, 10u);
  EXPECT_TRUE(zeroed);
  EXPECT_EQ(store_->used_bytes(), 10 * slice_size);
  const span b = store_->allocate(1);
  ASSERT_EQ(b.data, a.data + 10 * slice_size);
  EXPECT_FALSE(store_->try_grow(a, 11, zeroed));
  EXPECT_EQ(a.slices, 10u);
  store_->shrink(a, 2);
  EXPECT_EQ(store_->used_bytes(), 3 * slice_size);
  check();
  ASSERT_TRUE(store_->try_grow(a, 10, zeroed));
  EXPECT_FALSE(zeroed) << "the part was used before";
  EXPECT_FALSE(store_->try_grow(a, 11, zeroed));
  store_->deallocate(a);
  store_->deallocate(b);
}

TEST_F(span_store_test, purges_until_a_target) {
  const span a = store_->allocate(40);
  const span fence = store_->allocate(1);
  const span b = store_->allocate(40);
  const span end = store_->allocate(1);
  std::memset(a.data, 1, 40 * slice_size);
  std::memset(b.data, 1, 40 * slice_size);
  store_->deallocate(a);
  store_->deallocate(b);
  EXPECT_EQ(store_->purge(0), 80 * slice_size);
  EXPECT_EQ(store_->current_totals().dirty, 0u);
  EXPECT_EQ(os::resident_bytes({a.data, 40 * slice_size}), 0u);
  const span again = store_->allocate(40);
  EXPECT_TRUE(again.zeroed);
  EXPECT_EQ(test::first_nonzero(again.data, 40 * slice_size), 40 * slice_size);
  for (const span& s : {again, fence, end}) store_->deallocate(s);
}

TEST_F(span_store_test, keeps_what_it_is_told_to_keep) {
  std::vector<span> spans;
  for (int i = 0; i < 20; ++i) {
    spans.push_back(store_->allocate(4));
    spans.push_back(store_->allocate(1));  // a fence, so that they stay apart
  }
  for (std::size_t i = 0; i < spans.size(); i += 2) store_->deallocate(spans[i]);
  store_->purge(10 * slice_size);
  EXPECT_LE(store_->current_totals().dirty, 10 * slice_size);
  EXPECT_GT(store_->current_totals().dirty, 5 * slice_size);
  for (std::size_t i = 1; i < spans.size(); i += 2) store_->deallocate(spans[i]);
}

TEST_F(span_store_test, a_freed_burst_leaves_no_more_than_the_bound) {
  std::vector<span> spans;
  for (int i = 0; i < 2000; ++i) spans.push_back(store_->allocate(4));
  for (const span& s : spans) store_->deallocate(s);
  EXPECT_LE(store_->current_totals().dirty, span_store::retained * slice_size);
}

TEST_F(span_store_test, a_burst_within_the_bound_keeps_its_pages_for_the_next) {
  std::vector<span> spans(500);
  for (span& s : spans) s = store_->allocate(4);
  const test::counter_watch watch;
  for (const span& s : spans) store_->deallocate(s);
  EXPECT_EQ(watch.discarded(), 0u);
  for (span& s : spans) {
    s = store_->allocate(4);
    EXPECT_FALSE(s.zeroed) << "a page that is there comes first";
  }
  for (const span& s : spans) store_->deallocate(s);
}

TEST_F(span_store_test, free_pieces_that_fit_nothing_do_not_add_to_the_peak) {
  std::vector<span> spans;
  for (int i = 0; i < 1000; ++i) spans.push_back(store_->allocate(2));
  // Every other one: 1000 slices in pieces of two. Larger spans must come from fresh slices.
  for (std::size_t i = 0; i < spans.size(); i += 2) store_->deallocate(spans[i]);
  std::vector<span> larger;
  for (int i = 0; i < 200; ++i) {
    larger.push_back(store_->allocate(5));
    const span_store::totals t = store_->current_totals();
    ASSERT_LE(t.used + t.dirty, store_->peak_used_bytes() + span_store::headroom * slice_size);
  }
  EXPECT_LE(store_->current_totals().dirty, span_store::headroom * slice_size);
  for (std::size_t i = 1; i < spans.size(); i += 2) store_->deallocate(spans[i]);
  for (const span& s : larger) store_->deallocate(s);
}

TEST_F(span_store_test, learns_to_keep_more_when_purged_slices_are_wanted_again) {
  std::vector<span> spans(2000);
  const auto breathe = [&] {
    for (span& s : spans) s = store_->allocate(4);
    for (const span& s : spans) store_->deallocate(s);
  };
  const test::counter_watch first;
  breathe();
  const std::uint64_t at_first = first.discarded();
  for (int i = 0; i < 5; ++i) breathe();
  const test::counter_watch later;
  breathe();
  EXPECT_LT(later.discarded(), at_first);
}

TEST_F(span_store_test, works_without_discard_and_without_commit) {
  const test::user_memory memory(4_MiB);
  user_block_os block({memory.all()});
  span_store& store = *store_;
  store.release();
  store.initialize(block);
  const span s = store.allocate(10);
  ASSERT_NE(s.data, nullptr);
  EXPECT_TRUE(memory.contains(s.data));
  EXPECT_FALSE(s.zeroed);
  EXPECT_EQ(store.allocate(64).data, nullptr);
  EXPECT_EQ(store.allocate(64).reason, status::no_memory);
  store.deallocate(s);
  EXPECT_EQ(store.purge(0), 0u);
  const span all = store.allocate(64);
  EXPECT_EQ(all.data, memory.all().data);
  store.deallocate(all);
  store.release();  // before the block's manager ends
}

TEST_F(span_store_test, stays_whole_when_the_os_will_not_discard) {
  std::vector<span> spans;
  for (int i = 0; i < 100; ++i) spans.push_back(store_->allocate(8));
  for (const span& s : spans) std::memset(s.data, 1, slice_size);
  test::fake_os os;
  os.refuse_all(test::call_kind::advise);
  for (const span& s : spans) {
    store_->deallocate(s);
    check();
  }
  EXPECT_EQ(store_->purge(0), 0u);
  EXPECT_EQ(store_->current_totals().dirty, 800 * slice_size);
  os.accept_all();
  EXPECT_EQ(store_->purge(0), 800 * slice_size);
}

TEST_F(span_store_test, asks_for_less_where_address_space_is_short) {
  for (const std::size_t limit : {600_MiB, 100_MiB, 20_MiB, 7_MiB, 3_MiB}) {
    store_->release();
    test::fake_os os;
    os.limit_address_space(limit);
    const span s = store_->allocate(16);
    ASSERT_NE(s.data, nullptr) << limit;
    EXPECT_LE(store_->current_totals().reserved, limit);
    os.accept_all();
  }
}

TEST_F(span_store_test, gives_all_regions_back) {
  const test::counter_watch watch;
  {
    auto store = std::make_unique<span_store>();
    store->initialize(system_os());
    for (int i = 0; i < 10; ++i) ASSERT_NE(store->allocate(10'000).data, nullptr);  // 6.4 GiB
    EXPECT_GE(watch.reserved(), 6_GiB);
    store->release();
  }
  // What stays is the map's and the metadata's: far below the smallest region.
  EXPECT_LT(watch.reserved(), 256_MiB);
}

/// Spans that are marked at both ends, which finds overlaps; filling all would only take time.
class span_walk_test : public span_store_test {
 protected:
  struct held {
    span s;
    std::uint64_t stamp;
  };

  static void mark(const held& h) {
    test::fill_pattern(h.s.data, 64, h.stamp);
    test::fill_pattern(h.s.data + h.s.slices * slice_size - 64, 64, h.stamp + 1);
  }
  static bool is_marked(const held& h) {
    return test::has_pattern(h.s.data, 64, h.stamp) &&
           test::has_pattern(h.s.data + h.s.slices * slice_size - 64, 64, h.stamp + 1);
  }

  std::uint32_t some_slices() { return static_cast<std::uint32_t>(random_.log_uniform(300)); }

  void take() {
    const auto alignment = std::uint32_t{1} << (random_.one_in(4) ? random_.below(8) : 0);
    const span s = store_->allocate(some_slices(), alignment);
    ASSERT_NE(s.data, nullptr);
    ASSERT_TRUE(is_aligned(address_of(s.data), alignment * slice_size));
    if (s.zeroed) {
      ASSERT_EQ(test::first_nonzero(s.data, 64), 64u);
    }
    live_.push_back({s, ++stamp_ * 2});
    mark(live_.back());
  }

  void give(held& victim) {
    ASSERT_TRUE(is_marked(victim));
    store_->deallocate(victim.s);
    victim = live_.back();
    live_.pop_back();
  }

  /// Grows, shrinks or gives one that is held.
  void change(std::size_t action) {
    held& victim = live_[random_.below(live_.size())];
    ASSERT_TRUE(is_marked(victim));
    const std::uint32_t other = some_slices();
    bool zeroed = false;
    if (action == 4 && other > victim.s.slices) {
      static_cast<void>(store_->try_grow(victim.s, other, zeroed));
    } else if (action == 5 && other < victim.s.slices) {
      store_->shrink(victim.s, other);
    } else {
      give(victim);
      if (random_.one_in(50)) store_->purge(random_.below(64_MiB));
      return;
    }
    mark(victim);
  }

  test::random_source random_{3};
  std::vector<held> live_;
  std::uint64_t stamp_ = 0;
};

TEST_F(span_walk_test, survives_a_random_walk) {
  for (int step = 0; step < 6000; ++step) {
    SCOPED_TRACE(step);
    const std::size_t action = random_.below(10);
    if (live_.empty() || action < 4)
      take();
    else
      change(action);
    if (HasFatalFailure()) return;
    check();
    if (live_.size() <= 200) continue;
    for (int i = 0; i < 150 && !HasFatalFailure(); ++i) give(live_.back());
  }
  for (const held& h : live_) store_->deallocate(h.s);
}

}  // namespace
}  // namespace ashlar
