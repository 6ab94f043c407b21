// SPDX-License-Identifier: MIT
// What a heap promises for each single call, on every kind of memory. Sequences of calls are the
// matter of tests/model, threads that of tests/stress.
#include "ashlar/heap/heap.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <memory>
#include <thread>

#include "ashlar/base/units.hpp"
#include "ashlar/heap/size_class.hpp"
#include "support/counters.hpp"
#include "support/fault_log.hpp"
#include "support/pattern.hpp"
#include "support/user_memory.hpp"

namespace ashlar {
namespace {

using test::fill_pattern;
using test::has_pattern;

// Around every boundary where something changes.
std::vector<std::size_t> interesting_sizes() {
  std::vector<std::size_t> sizes = {0, 1};
  for (const size_class_info& info : size_classes)
    for (const std::size_t around : {info.block_size - 1, info.block_size, info.block_size + 1})
      sizes.push_back(around);
  for (const std::size_t edge : {320_KiB, 1_MiB, 4_MiB, 32_MiB})
    for (const std::size_t around : {edge - 1, edge, edge + 1}) sizes.push_back(around);
  return sizes;
}

TEST(heap, serves_every_size) {
  heap h{heap_options{}};
  for (const std::size_t size : interesting_sizes()) {
    const allocation a = h.allocate({size});
    ASSERT_TRUE(a) << size;
    EXPECT_GE(a.size(), size);
    EXPECT_TRUE(is_aligned(address_of(a.data()), default_alignment));
    EXPECT_EQ(heap::usable_size(a.data()), a.size());
    EXPECT_EQ(heap::owner_of(a.data()), &h);
    if (size != 0) {
      EXPECT_EQ(heap::good_size(size), a.size()) << size;
    }
    fill_pattern(a.data(), a.size(), size);
    EXPECT_TRUE(has_pattern(a.data(), a.size(), size));
    h.deallocate(a.data());
  }
  h.check_invariants();
}

TEST(heap, blocks_of_no_bytes_are_blocks) {
  heap h{heap_options{}};
  void* const a = h.allocate({0}).data();
  void* const b = h.allocate({0}).data();
  void* const c = h.allocate({0, 1_MiB}).data();
  EXPECT_TRUE(a != nullptr && b != nullptr && c != nullptr && a != b);
  EXPECT_TRUE(is_aligned(address_of(c), 1_MiB));
  for (void* const p : {a, b, c}) h.deallocate(p);
}

TEST(heap, zeroes_what_was_used_before) {
  heap h{heap_options{}};
  for (const std::size_t size : interesting_sizes()) {
    const allocation dirty = h.allocate({size});
    ASSERT_TRUE(dirty);
    std::memset(dirty.data(), 0xff, dirty.size());
    h.deallocate(dirty.data());
    const allocation a = h.allocate_zeroed({size});
    ASSERT_TRUE(a);
    EXPECT_EQ(test::first_nonzero(a.data(), size), size) << size;
    h.deallocate(a.data());
  }
}

TEST(heap, does_not_touch_fresh_pages_to_zero_them) {
  heap h{heap_options{}};
  const allocation a = h.allocate_zeroed({16_MiB});
  ASSERT_TRUE(a);
  EXPECT_EQ(os::resident_bytes({static_cast<std::byte*>(a.data()), 16_MiB}), 0u);
}

TEST(heap, meets_every_alignment_up_to_a_gigabyte) {
  heap h{heap_options{}};
  for (std::size_t alignment = 1; alignment <= 1_GiB; alignment *= 2) {
    for (const std::size_t size : {1_KiB / 16, 5000 + 0_KiB, 300_KiB, 3_MiB}) {
      const allocation a = h.allocate({size, alignment});
      ASSERT_TRUE(a) << size << " at " << alignment;
      EXPECT_TRUE(is_aligned(address_of(a.data()), alignment)) << size << " at " << alignment;
      EXPECT_GE(a.size(), size);
      EXPECT_EQ(heap::usable_size(a.data()), a.size());
      std::memset(a.data(), 1, size);
      h.deallocate(a.data());
    }
  }
  h.check_invariants();
}

TEST(heap, refuses_the_absurd_and_says_why) {
  heap h{heap_options{}};
  const std::size_t used = h.used_bytes();
  EXPECT_EQ(h.allocate({max_size + 1}).reason, status::too_large);
  EXPECT_EQ(h.allocate({static_cast<std::size_t>(-1)}).reason, status::too_large);
  EXPECT_EQ(h.allocate({max_size}).reason, status::too_large);
  EXPECT_EQ(h.allocate({std::size_t{1} << 50}).reason, status::too_large);
  EXPECT_EQ(h.allocate({100, 0}).reason, status::bad_alignment);
  EXPECT_EQ(h.allocate({100, 24}).reason, status::bad_alignment);
  EXPECT_EQ(h.allocate({100, heap::max_alignment * 2}).reason, status::bad_alignment);
  EXPECT_EQ(h.allocate({8_TiB}).reason, status::no_memory);
  EXPECT_EQ(h.allocate_zeroed({static_cast<std::size_t>(-8)}).reason, status::too_large);
  EXPECT_EQ(h.used_bytes(), used);
}

TEST(heap, refuses_everything_before_it_is_initialized_and_after_it_is_destroyed) {
  heap h;
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(h.allocate({1}).reason, status::no_memory);
    EXPECT_EQ(h.allocate({1_MiB}).reason, status::no_memory);
    EXPECT_EQ(h.used_bytes(), 0u);
    h.deallocate(nullptr);
    if (i == 0) {
      EXPECT_EQ(h.initialize({}), status::success);
      EXPECT_TRUE(h.allocate({1}));
      h.destroy();
    }
  }
  h.destroy();
}

TEST(heap, can_live_twice) {
  heap h;
  for (int life = 0; life < 3; ++life) {
    ASSERT_EQ(h.initialize({}), status::success);
    for (std::size_t i = 0; i < 500; ++i) ASSERT_TRUE(h.allocate({i * 50}));
    ASSERT_TRUE(h.allocate({40_MiB}));
    h.check_invariants();
    h.destroy();
  }
}

// --- resizing ---

TEST(heap, reallocate_keeps_contents_whatever_the_sizes) {
  heap h{heap_options{}};
  const std::size_t sizes[] = {1,       100,     1000,   5000,   30'000, 200'000, 300'001,
                               700'000, 3 << 20, 9 << 20, 33 << 20, 70 << 20};
  for (const std::size_t from : sizes) {
    for (const std::size_t to : sizes) {
      const allocation a = h.allocate({from});
      ASSERT_TRUE(a);
      fill_pattern(a.data(), a.size(), from);
      const allocation b = h.reallocate(a.data(), {to});
      ASSERT_TRUE(b) << from << " to " << to;
      EXPECT_GE(b.size(), to);
      EXPECT_TRUE(has_pattern(b.data(), a.size() < to ? a.size() : to, from)) << from << " to " << to;
      EXPECT_EQ(heap::usable_size(b.data()), b.size());
      h.deallocate(b.data());
    }
  }
  h.check_invariants();
}

TEST(heap, reallocate_meets_the_alignment_asked_for) {
  heap h{heap_options{}};
  for (const std::size_t size : {100_KiB / 1024, 20_KiB, 400_KiB, 40_MiB}) {
    for (std::size_t alignment = 16; alignment <= 4_MiB; alignment *= 4) {
      void* const p = h.allocate({size}).data();
      fill_pattern(p, size, size);
      const allocation a = h.reallocate(p, {size + 100, alignment});
      ASSERT_TRUE(a);
      EXPECT_TRUE(is_aligned(address_of(a.data()), alignment));
      EXPECT_TRUE(has_pattern(a.data(), size, size));
      h.deallocate(a.data());
    }
  }
}

TEST(heap, reallocate_of_null_allocates_and_a_refusal_changes_nothing) {
  heap h{heap_options{}};
  const allocation a = h.reallocate(nullptr, {1000});
  ASSERT_TRUE(a);
  fill_pattern(a.data(), a.size(), 1);
  EXPECT_EQ(h.reallocate(a.data(), {max_size + 1}).reason, status::too_large);
  EXPECT_EQ(h.reallocate(a.data(), {1000, 3}).reason, status::bad_alignment);
  EXPECT_FALSE(h.reallocate(a.data(), {std::size_t{1} << 46}));
  EXPECT_TRUE(has_pattern(a.data(), a.size(), 1));
  h.deallocate(a.data());
}

TEST(heap, huge_sizes_are_refused_for_large_blocks_too) {
  heap h{heap_options{}};
  for (const std::size_t size : {1_MiB, 40_MiB}) {
    const allocation a = h.allocate({size});
    ASSERT_TRUE(a);
    // The count of 64 KiB slices of these has 32 low bits that look harmless.
    for (const std::size_t high : {48, 49, 56, 62}) {
      const std::size_t absurd = (std::size_t{1} << high) + size;
      EXPECT_FALSE(h.try_resize(a.data(), absurd));
      EXPECT_FALSE(h.reallocate(a.data(), {absurd}));
      EXPECT_FALSE(h.allocate({absurd}));
    }
    EXPECT_EQ(heap::usable_size(a.data()), a.size());
    h.deallocate(a.data());
  }
}

TEST(heap, large_blocks_grow_and_shrink_where_they_are) {
  heap h{heap_options{}};
  void* const p = h.allocate({1_MiB}).data();
  fill_pattern(p, 1_MiB, 5);
  EXPECT_TRUE(h.try_resize(p, 8_MiB));
  EXPECT_TRUE(has_pattern(p, 1_MiB, 5));
  EXPECT_EQ(heap::usable_size(p), 8_MiB);
  EXPECT_EQ(h.used_bytes(), 8_MiB);
  EXPECT_TRUE(h.try_resize(p, 400_KiB));
  EXPECT_EQ(h.used_bytes(), 448_KiB);
  void* const fence = h.allocate({1_MiB}).data();
  EXPECT_TRUE(has_pattern(p, 400_KiB, 5));
  h.deallocate(fence);
  h.deallocate(p);
  h.check_invariants();
}

TEST(heap, try_resize_changes_nothing_where_it_cannot) {
  heap h{heap_options{}};
  void* const small = h.allocate({100}).data();
  EXPECT_TRUE(h.try_resize(small, heap::usable_size(small)));
  EXPECT_FALSE(h.try_resize(small, heap::usable_size(small) + 1));
  void* const a = h.allocate({1_MiB}).data();
  void* const fence = h.allocate({1_MiB}).data();
  EXPECT_FALSE(h.try_resize(a, 20_MiB));
  EXPECT_EQ(heap::usable_size(a), 1_MiB);
  EXPECT_FALSE(h.try_resize(nullptr, 1));
  for (void* const p : {small, a, fence}) h.deallocate(p);
}

TEST(heap, blocks_with_mappings_of_their_own_move_without_copying) {
  heap h{heap_options{}};
  allocation a = h.allocate({40_MiB});
  ASSERT_TRUE(a);
  static_cast<std::byte*>(a.data())[7] = std::byte{9};
  for (std::size_t size = 50_MiB; size <= 400_MiB; size += 50_MiB) {
    a = h.reallocate(a.data(), {size});
    ASSERT_TRUE(a);
    EXPECT_EQ(static_cast<std::byte*>(a.data())[7], std::byte{9});
    EXPECT_EQ(h.used_bytes(), size);
    EXPECT_LE(os::resident_bytes({static_cast<std::byte*>(a.data()), size}), 64_KiB);
    EXPECT_EQ(heap::owner_of(a.data()), &h);
  }
  a = h.reallocate(a.data(), {20_MiB});
  EXPECT_EQ(h.used_bytes(), 20_MiB);
  h.deallocate(a.data());
  EXPECT_EQ(h.used_bytes(), 0u);
}

// --- options ---

TEST(heap, cache_line_option_keeps_blocks_apart) {
  heap h{{.cache_line_aligned = true}};
  for (std::size_t size = 0; size < 3000; size += 7) {
    const allocation a = h.allocate({size});
    ASSERT_TRUE(a);
    EXPECT_TRUE(is_aligned(address_of(a.data()), 64));
    EXPECT_TRUE(is_aligned(a.size(), 64));
    const allocation b = h.reallocate(a.data(), {size + 13});
    EXPECT_TRUE(is_aligned(address_of(b.data()) | b.size(), 64));
  }
}

TEST(heap, lives_on_a_block_of_the_user_alone) {
  const test::user_memory memory(8_MiB);
  user_block block{memory.all()};
  const test::counter_watch watch;
  {
    heap h{{.source = user_block_source(block)}};
    std::vector<void*> blocks;
    while (true) {
      const allocation a = h.allocate({5000});
      if (!a) {
        EXPECT_EQ(a.reason, status::no_memory);
        break;
      }
      ASSERT_TRUE(memory.contains(a.data()));
      std::memset(a.data(), 1, a.size());
      blocks.push_back(a.data());
    }
    EXPECT_GT(blocks.size() * 5120, 7_MiB);
    for (void* const p : blocks) h.deallocate(p);
    // All of it is there for something else now, though bins and slabs hold it.
    EXPECT_TRUE(h.allocate({7_MiB}));
    EXPECT_FALSE(h.allocate({60_MiB})) << "no mappings of its own";
    h.check_invariants();
  }
  EXPECT_FALSE(block.taken);
}

TEST(heap, does_not_take_a_users_block_for_zero) {
  const test::user_memory memory(4_MiB);
  user_block block{memory.all()};
  heap h{{.source = user_block_source(block)}};
  for (const std::size_t size : {16_KiB, 200_KiB, 1_MiB})
    EXPECT_EQ(test::first_nonzero(h.allocate_zeroed({size}).data(), size), size);
}

TEST(heap, lives_on_an_interface_of_the_user) {
  test::user_interface interface;
  interface.budget = 64_MiB;
  {
    heap h{{.source = interface.table()}};
    std::vector<void*> blocks;
    for (std::size_t i = 0; i < 2000; ++i) {
      const allocation a = h.allocate({i * 10});
      ASSERT_TRUE(a);
      std::memset(a.data(), 1, a.size());
      blocks.push_back(a.data());
    }
    EXPECT_FALSE(h.allocate({100_MiB}));
    EXPECT_GE(interface.committed, h.used_bytes());
    for (void* const p : blocks) h.deallocate(p);
    h.trim(0);
    EXPECT_GT(interface.discarded, 0u);
    interface.refuse_commit = true;
    EXPECT_FALSE(h.allocate({50_MiB}));
    interface.refuse_commit = false;
    EXPECT_TRUE(h.allocate({10_MiB}));
    h.check_invariants();
  }
  EXPECT_EQ(interface.regions, 0u);
  EXPECT_EQ(interface.committed, 0u);
  EXPECT_EQ(interface.acquired, interface.released);
  EXPECT_FALSE(interface.has_erred);
}

TEST(heap, several_do_not_mix) {
  heap a{heap_options{}};
  heap b{heap_options{}};
  void* const in_a = a.allocate({100}).data();
  void* const in_b = b.allocate({100}).data();
  EXPECT_EQ(heap::owner_of(in_a), &a);
  EXPECT_EQ(heap::owner_of(in_b), &b);
  // Any heap takes a block of any other back, and it goes home.
  a.deallocate(in_b);
  b.deallocate(in_a);
  void* const large = a.allocate({1_MiB}).data();
  b.deallocate(large);
  a.trim();
  b.trim();
  EXPECT_EQ(a.used_bytes(), 0u);
  EXPECT_EQ(b.used_bytes(), 0u);
  const allocation moved = b.reallocate(a.allocate({100}).data(), {5000});
  EXPECT_TRUE(moved);
}

TEST(heap, trim_gives_everything_idle_back) {
  heap h{heap_options{}};
  std::vector<void*> blocks;
  for (std::size_t i = 0; i < 20'000; ++i) {
    blocks.push_back(h.allocate({100 + i % 1000}).data());
    std::memset(blocks.back(), 1, 100);
  }
  for (void* const p : blocks) h.deallocate(p);
  EXPECT_GT(h.trim(0), 0u);
  EXPECT_EQ(h.used_bytes(), 0u);
  EXPECT_EQ(h.store().current_totals().dirty, 0u);
  EXPECT_EQ(h.trim(0), 0u);
}

TEST(heap, destroy_gives_everything_back) {
  { heap first{heap_options{}}; EXPECT_TRUE(first.allocate({1})); }
  const test::counter_watch watch;
  for (int i = 0; i < 20; ++i) {
    heap h{heap_options{}};
    for (std::size_t n = 0; n < 300; ++n) ASSERT_TRUE(h.allocate({n * n * 10}));
    ASSERT_TRUE(h.allocate({100_MiB}));
  }
  // The process keeps its metadata: one reservation at most, and no more for twenty heaps.
  EXPECT_LE(watch.reserved(), 64_MiB);
  EXPECT_LE(watch.committed(), 2_MiB);
}

// --- faults ---

TEST(heap, foreign_and_interior_pointers_are_faults) {
  heap h{heap_options{}};
  test::fault_log faults;
  int on_stack = 0;
  h.deallocate(&on_stack);
  EXPECT_TRUE(faults.took(fault_kind::invalid_free, &on_stack));
  for (const std::size_t size : {24_KiB / 1024, 3000 + 0_KiB, 100_KiB, 1_MiB, 40_MiB}) {
    auto* const p = static_cast<std::byte*>(h.allocate({size}).data());
    fill_pattern(p, size, 3);
    for (const std::size_t offset : {1, 8, 16}) {
      h.deallocate(p + offset);
      EXPECT_TRUE(faults.took(fault_kind::interior_free, p + offset)) << size << " + " << offset;
    }
    EXPECT_FALSE(h.reallocate(p + 8, {10}));
    EXPECT_TRUE(faults.took(fault_kind::invalid_resize, p + 8));
    EXPECT_TRUE(has_pattern(p, size, 3));
    h.deallocate(p);
    EXPECT_EQ(faults.count(), 0u);
  }
  EXPECT_FALSE(h.reallocate(&on_stack, {10}));
  EXPECT_TRUE(faults.took(fault_kind::invalid_resize, &on_stack));
  h.check_invariants();
}

TEST(heap, large_blocks_freed_twice_are_faults) {
  heap h{heap_options{}};
  test::fault_log faults;
  for (const std::size_t size : {1_MiB, 40_MiB}) {
    void* const p = h.allocate({size}).data();
    h.deallocate(p);
    h.deallocate(p);
    EXPECT_TRUE(faults.took(fault_kind::invalid_free, p));
  }
}

TEST(heap, small_blocks_freed_twice_are_faults_when_they_leave_the_bin) {
  heap h{heap_options{}};
  test::fault_log faults;
  void* const kept = h.allocate({64}).data();  // so that the slab stays
  void* const p = h.allocate({64}).data();
  h.deallocate(p);
  h.deallocate(p);
  h.trim(0);
  EXPECT_TRUE(faults.took(fault_kind::double_free, p));
  h.deallocate(kept);
  h.trim(0);
  h.check_invariants();
}

}  // namespace
}  // namespace ashlar
