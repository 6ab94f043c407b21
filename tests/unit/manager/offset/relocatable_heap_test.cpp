// SPDX-License-Identifier: MIT
// The relocatable heap: handles stay, contents move, pins hold; and a random walk over all of it.
#include "ashlar/manager/offset/relocatable_heap.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "ashlar/base/units.hpp"
#include "support/fault_log.hpp"
#include "support/pattern.hpp"
#include "support/scale.hpp"
#include "unit/manager/offset/ranges.hpp"

namespace ashlar {
namespace {

using test::fill_pattern;
using test::has_pattern;
using test::printed;

relocatable_handle take(relocatable_heap& heap, layout request) {
  const relocatable_allocation got = heap.allocate(request);
  EXPECT_TRUE(got) << to_string(got.reason);
  return got.handle;
}

class relocatable_block : public testing::Test {
 protected:
  alignas(64) std::array<std::byte, 64_KiB> memory_;
  relocatable_heap heap_{{.block = memory_}};
};

TEST_F(relocatable_block, lives_inside_the_users_block_and_nowhere_else) {
  relocatable_heap odd({.block = std::span(memory_).subspan(5, 1'000)});
  EXPECT_EQ(odd.usage().held, 1'000u);
  std::size_t total = 0;
  while (const relocatable_allocation got = odd.allocate({16})) {
    const block b = odd.find(got.handle);
    EXPECT_GE(b.data, memory_.data() + 5);
    EXPECT_LE(static_cast<std::byte*>(b.data) + b.size, memory_.data() + 1'005);
    total += b.size;
  }
  EXPECT_EQ(total, 976u) << "16 to 992: the whole multiples of 16 inside [5, 1005)";
  EXPECT_EQ(odd.trim(), 0u);
}

TEST_F(relocatable_block, aligns_addresses) {
  for (std::size_t alignment = 1; alignment <= 16_KiB; alignment *= 2) {
    const relocatable_handle h = take(heap_, {100, alignment});
    EXPECT_TRUE(is_aligned(address_of(heap_.find(h).data), alignment));
  }
}

TEST_F(relocatable_block, refuses_by_reason_and_tells_what_would_fit) {
  EXPECT_EQ(heap_.allocate({10, 3}).reason, status::bad_alignment);
  EXPECT_EQ(heap_.allocate({max_size}).reason, status::too_large);
  const relocatable_handle h = take(heap_, {40_KiB});
  const relocatable_allocation no = heap_.allocate({30_KiB});
  EXPECT_EQ(no.reason, status::not_enough_memory);
  EXPECT_EQ(no.would_fit, 24_KiB);
  EXPECT_TRUE(heap_.allocate({24_KiB}));
  heap_.deallocate(h);
  heap_.check_invariants();
}

TEST_F(relocatable_block, locks_count) {
  test::fault_log faults;
  const relocatable_handle h = take(heap_, {100});
  void* const data = heap_.lock(h);
  EXPECT_EQ(heap_.lock(h), data);
  heap_.unlock(h);
  EXPECT_TRUE(heap_.is_locked(h));
  heap_.deallocate(h);
  EXPECT_TRUE(faults.took(fault_kind::pin_mismatch, data));
  heap_.free_all();
  EXPECT_TRUE(faults.took(fault_kind::pin_mismatch, &heap_));
  EXPECT_EQ(heap_.report().pinned_blocks, 1u);
  heap_.unlock(h);
  EXPECT_FALSE(heap_.is_locked(h));
  heap_.unlock(h);
  EXPECT_TRUE(faults.took(fault_kind::pin_mismatch, data));
  heap_.check_invariants();
  heap_.free_all();
  EXPECT_FALSE(heap_.owns(h));
}

TEST_F(relocatable_block, stale_handles_are_faults_and_change_nothing) {
  test::fault_log faults;
  const relocatable_handle h = take(heap_, {100});
  heap_.deallocate(h);
  EXPECT_EQ(heap_.lock(h), nullptr);
  EXPECT_TRUE(faults.took(fault_kind::stale_handle, printed(h)));
  heap_.unlock(h);
  EXPECT_TRUE(faults.took(fault_kind::stale_handle, printed(h)));
  heap_.deallocate(h);
  EXPECT_TRUE(faults.took(fault_kind::stale_handle, printed(h)));
  EXPECT_EQ(heap_.reallocate(h, {.size = 10}), status::unsupported);
  EXPECT_TRUE(faults.took(fault_kind::stale_handle, printed(h)));
  {
    const pinned_block empty(heap_, h);
    EXPECT_FALSE(empty);
    EXPECT_TRUE(faults.took(fault_kind::stale_handle, printed(h)));
  }
  EXPECT_EQ(faults.count(), 0u) << "nothing to unpin";
  EXPECT_FALSE(heap_.find(h));
  heap_.check_invariants();
}

TEST_F(relocatable_block, compacts_around_pinned_blocks) {
  std::vector<relocatable_handle> all;
  for (std::uint64_t i = 0; i < 20; ++i) {
    all.push_back(take(heap_, {1'600}));
    fill_pattern(heap_.find(all.back()).data, 1'600, i);
  }
  for (std::size_t i = 0; i < 20; i += 2) heap_.deallocate(all[i]);
  EXPECT_GT(heap_.report().fragmentation, 0.2);
  {
    const pinned_block pin(heap_, all[11]);
    void* const before = pin.data();
    while (!heap_.compact().done) heap_.check_invariants();
    EXPECT_EQ(heap_.find(all[11]).data, before);
    EXPECT_EQ(heap_.report().free_ranges, 2u) << "in front of the pinned block, and the end";
  }
  while (!heap_.compact().done) {
  }
  EXPECT_EQ(heap_.report().fragmentation, 0);
  for (std::uint64_t i = 1; i < 20; i += 2)
    EXPECT_TRUE(has_pattern(heap_.find(all[i]).data, 1'600, i));
}

TEST_F(relocatable_block, moves_no_more_in_one_call_than_it_may) {
  std::vector<relocatable_handle> all;
  for (int i = 0; i < 40; ++i) all.push_back(take(heap_, {1'600}));
  for (std::size_t i = 0; i < 40; i += 2) heap_.deallocate(all[i]);
  const compact_budget budget{.max_bytes = 5'000, .max_blocks = 2};
  std::size_t total = 0;
  for (bool done = false; !done;) {
    const compaction c = heap_.compact(budget);
    EXPECT_LE(c.bytes, budget.max_bytes);
    EXPECT_LE(c.blocks, budget.max_blocks);
    total += c.bytes;
    done = c.done;
  }
  EXPECT_EQ(total, 20 * 1'600u) << "each block once";
  EXPECT_EQ(heap_.report().fragmentation, 0);
}

TEST_F(relocatable_block, reallocates_in_place_or_by_moving_under_the_same_handle) {
  const relocatable_handle a = take(heap_, {100, 64});
  const relocatable_handle b = take(heap_, {100});
  fill_pattern(heap_.find(a).data, 112, 1);
  EXPECT_EQ(heap_.reallocate(a, {.size = 5'000, .may_move = false}), status::unsupported);
  {
    const pinned_block pin(heap_, a);
    EXPECT_EQ(heap_.reallocate(a, {.size = 5'000}), status::unsupported);
    EXPECT_EQ(heap_.reallocate(b, {.size = 5'000}), status::success) << "there is room behind";
  }
  const void* const before = heap_.find(a).data;
  EXPECT_EQ(heap_.reallocate(a, {.size = 5'000}), status::success);
  EXPECT_NE(heap_.find(a).data, before);
  EXPECT_TRUE(is_aligned(address_of(heap_.find(a).data), 64));
  EXPECT_TRUE(has_pattern(heap_.find(a).data, 112, 1));
  EXPECT_EQ(heap_.reallocate(a, {.size = 50}), status::success);
  EXPECT_EQ(heap_.find(a).size, 64u);
  EXPECT_EQ(heap_.report().blocks, 2u);
  heap_.check_invariants();
}

TEST_F(relocatable_block, holds_its_limit) {
  relocatable_heap heap({.block = memory_, .limit = 1_KiB});
  const relocatable_handle h = take(heap, {1'000});
  EXPECT_EQ(heap.allocate({100}).reason, status::over_budget);
  const relocatable_handle wall = take(heap, {1});
  EXPECT_EQ(heap.reallocate(wall, {.size = 100}), status::over_budget);
  EXPECT_EQ(heap.reallocate(h, {.size = 1'008}), status::success)
      << "it moves, and for a moment there are two; afterwards it is " << heap.usage().used;
  EXPECT_EQ(heap.usage().limit, 1_KiB);
}

TEST_F(relocatable_block, walks_its_blocks) {
  const relocatable_handle a = take(heap_, {100});
  const relocatable_handle b = take(heap_, {200});
  heap_.lock(b);
  std::vector<relocatable_handle> seen;
  heap_.walk([&](const walked_relocatable& w) {
    seen.push_back(w.handle);
    EXPECT_EQ(w.data, heap_.find(w.handle).data);
    EXPECT_EQ(w.size, heap_.find(w.handle).size);
    EXPECT_EQ(w.pins, w.handle == b ? 1u : 0u);
    return true;
  });
  EXPECT_EQ(seen, (std::vector{a, b}));
  heap_.unlock(b);
}

TEST(relocatable_heap, takes_memory_from_the_os_as_it_needs_it_and_gives_it_back) {
  relocatable_heap heap({.reserve = 16_MiB});
  EXPECT_EQ(heap.usage().held, 0u);
  std::vector<relocatable_handle> all;
  for (int i = 0; i < 100; ++i) all.push_back(take(heap, {50'000}));
  heap.check_invariants();
  EXPECT_GE(heap.usage().held, 5'000'000u);
  EXPECT_LE(heap.usage().held, 5'100'000u);
  EXPECT_EQ(heap.usage().used, 5'000'000u);
  for (std::size_t i = 0; i < 100; i += 2) heap.deallocate(all[i]);
  EXPECT_LT(heap.trim(), 150'000u) << "little is free at the end";
  while (!heap.compact().done) {
  }
  EXPECT_GE(heap.trim(100'000), 2'000'000u);
  heap.check_invariants();
  EXPECT_LE(heap.usage().held, 2'700'000u);
  heap.trim();
  EXPECT_LE(heap.usage().held, 2'510'000u);
  EXPECT_TRUE(heap.allocate({1_MiB}));
  EXPECT_EQ(heap.allocate({16_MiB}).reason, status::not_enough_memory);
  const std::size_t most = heap.allocate({16_MiB}).would_fit;
  EXPECT_FALSE(heap.allocate({most + 1}));
  EXPECT_TRUE(heap.allocate({most}));
  heap.check_invariants();
}

// --- A random walk -------------------------------------------------------------------------------

class heap_walk {
 public:
  heap_walk(std::uint64_t seed, relocatable_heap& heap) : random_(seed), heap_(heap) {}

  void run(std::size_t steps) {
    for (std::size_t i = 0; i < steps && !testing::Test::HasFatalFailure(); ++i) {
      step();
      heap_.check_invariants();
      ASSERT_EQ(heap_.report().blocks, live_.size());
    }
    for (const piece& p : live_) check(p);
  }

 private:
  struct piece {
    relocatable_handle handle;
    std::size_t size;
    std::uint64_t stamp;
    void* pinned_at = nullptr;
  };

  void step() {
    if (live_.empty() || random_.below(live_.size() + 60) < 40) return allocate();
    const std::size_t index = random_.below(live_.size());
    piece& p = live_[index];
    check(p);
    switch (random_.below(8)) {
      case 0:
      case 1:
      case 2:
        if (p.pinned_at != nullptr) return;
        heap_.deallocate(p.handle);
        ASSERT_FALSE(heap_.owns(p.handle));
        p = live_.back();
        return live_.pop_back();
      case 3: return reallocate(p);
      case 4: return pin(p);
      case 5: heap_.trim(random_.below(20'000)); return;
      default:
        heap_.compact({.max_bytes = random_.below(20'000),
                       .max_blocks = static_cast<std::uint32_t>(random_.below(10))});
    }
  }

  void allocate() {
    const layout request{random_.log_uniform(8'000), std::size_t{1} << random_.below(9)};
    const relocatable_allocation got = heap_.allocate(request);
    if (!got) {
      ASSERT_EQ(got.reason, status::not_enough_memory);
      ASSERT_LT(got.would_fit, request.size);
      return;
    }
    live_.push_back({got.handle, request.size, next_stamp_++});
    const block b = heap_.find(got.handle);
    ASSERT_TRUE(is_aligned(address_of(b.data), request.alignment));
    ASSERT_GE(b.size, request.size);
    fill_pattern(b.data, request.size, live_.back().stamp);
  }

  void reallocate(piece& p) {
    const std::size_t size = random_.log_uniform(8'000);
    const status outcome = heap_.reallocate(p.handle, {.size = size});
    if (outcome != status::success) return;
    ASSERT_TRUE(has_pattern(heap_.find(p.handle).data, std::min(size, p.size) / 8 * 8, p.stamp));
    p.size = size;
    fill_pattern(heap_.find(p.handle).data, size, p.stamp);
  }

  void pin(piece& p) {
    if (p.pinned_at == nullptr) {
      p.pinned_at = heap_.lock(p.handle);
    } else {
      p.pinned_at = nullptr;
      heap_.unlock(p.handle);
    }
  }

  void check(const piece& p) {
    const block b = heap_.find(p.handle);
    ASSERT_TRUE(b);
    ASSERT_TRUE(p.pinned_at == nullptr || p.pinned_at == b.data) << "a pinned block has moved";
    ASSERT_TRUE(has_pattern(b.data, p.size, p.stamp));
  }

  test::random_source random_;
  relocatable_heap& heap_;
  std::vector<piece> live_;
  std::uint64_t next_stamp_ = 1;
};

TEST(relocatable_heap, lets_its_last_block_grow_in_place_even_while_it_is_pinned) {
  relocatable_heap heap({.reserve = 16_MiB});
  const auto first = heap.allocate({.size = 40'000});
  const auto last = heap.allocate({.size = 1'000});
  void* const before = heap.lock(last.handle);
  EXPECT_EQ(heap.reallocate(last.handle, {.size = 1_MiB, .may_move = false}), status::success);
  EXPECT_EQ(heap.find(last.handle).data, before);
  EXPECT_EQ(heap.find(last.handle).size, 1_MiB);
  EXPECT_EQ(heap.reallocate(last.handle, {.size = 16_MiB}), status::unsupported);
  EXPECT_EQ(heap.reallocate(first.handle, {.size = 1_MiB, .may_move = false}), status::unsupported);
  heap.unlock(last.handle);
  heap.check_invariants();
}

TEST(relocatable_heap, keeps_contents_and_pins_in_a_random_walk) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE(seed);
    std::vector<std::byte> memory(200'000 + seed);
    relocatable_heap in_block({.block = memory});
    heap_walk(seed, in_block).run(test::scaled(6'000));
    relocatable_heap from_os({.reserve = 256_KiB, .commit_step = 1});
    heap_walk(seed, from_os).run(test::scaled(6'000));
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace ashlar
