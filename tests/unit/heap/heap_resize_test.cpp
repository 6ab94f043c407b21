// SPDX-License-Identifier: MIT
// Blocks change their size: in place where that is possible, else by moving, and never lose a byte.
#include <gtest/gtest.h>

#include "ashlar/base/units.hpp"
#include "ashlar/heap/heap.hpp"
#include "support/heap_calls.hpp"
#include "support/pattern.hpp"
#include "unit/heap/heap_fixture.hpp"

namespace ashlar {
namespace {

using test::fill_pattern;
using test::has_pattern;

using heap_resize = test::plain_heaps;

TEST_F(heap_resize, reallocate_keeps_contents_whatever_the_sizes) {
  heap h{heap_options{}};
  const std::size_t sizes[] = {1,       100,     1000,    5000,    30'000,   200'000,
                               300'001, 700'000, 3 << 20, 9 << 20, 33 << 20, 70 << 20};
  for (const std::size_t from : sizes) {
    for (const std::size_t to : sizes) {
      const allocation a = h.allocate({from});
      ASSERT_TRUE(a);
      fill_pattern(a.data(), a.size(), from);
      const allocation b =
          h.reallocate({a.data()}, default_alignment, {.size = to, .wanted = fit::get_no_less});
      ASSERT_TRUE(b) << from << " to " << to;
      EXPECT_GE(b.size(), to);
      EXPECT_TRUE(has_pattern(b.data(), a.size() < to ? a.size() : to, from))
          << from << " to " << to;
      EXPECT_EQ(heap::usable_size(b.data()), b.size());
      h.deallocate(b.data());
    }
  }
  h.check_invariants();
}

// What its samples went by stays known wherever a large block goes, and whoever gets its place.
TEST_F(heap_resize, a_large_block_takes_the_mean_of_its_samples_along) {
  heap h{heap_options{}};
  const auto doublings_of = [](const void* p) { return process_page_map.header_of(p)->doublings; };
  const std::size_t sizes[] = {300'000, 700'000, 9 << 20, 40 << 20, 90 << 20, 35 << 20, 300'000};
  void* p = h.allocate({sizes[0]}).data();
  void* const next = h.allocate({sizes[0]}).data();  // in the way of growth
  EXPECT_EQ(doublings_of(p), 0);
  heap::set_doublings(p, 5);
  for (const std::size_t size : sizes) {
    p = h.reallocate({p}, default_alignment, {size}).data();
    EXPECT_EQ(doublings_of(p), 5) << size;
  }
  h.deallocate(p);
  p = h.allocate({sizes[0]}).data();
  EXPECT_EQ(doublings_of(p), 0);
  EXPECT_EQ(doublings_of(next), 0);
  h.deallocate(p);
  h.deallocate(next);
}

TEST_F(heap_resize, reallocate_meets_the_alignment_asked_for) {
  heap h{heap_options{}};
  for (const std::size_t size : {100_KiB / 1024, 20_KiB, 400_KiB, 40_MiB}) {
    for (std::size_t alignment = 16; alignment <= 4_MiB; alignment *= 4) {
      void* const p = h.allocate({size}).data();
      fill_pattern(p, size, size);
      const allocation a = h.reallocate({p}, alignment, {size + 100});
      ASSERT_TRUE(a);
      EXPECT_TRUE(is_aligned(address_of(a.data()), alignment));
      EXPECT_TRUE(has_pattern(a.data(), size, size));
      h.deallocate(a.data());
    }
  }
}

TEST_F(heap_resize, reallocate_of_null_allocates_and_a_refusal_changes_nothing) {
  heap h{heap_options{}};
  const allocation a = h.reallocate({nullptr}, default_alignment, {1000});
  ASSERT_TRUE(a);
  fill_pattern(a.data(), a.size(), 1);
  EXPECT_EQ(h.reallocate({a.data()}, default_alignment, {max_size + 1}).reason(),
            status::too_large);
  EXPECT_EQ(h.reallocate({a.data()}, 3, {1000}).reason(), status::bad_alignment);
  EXPECT_FALSE(h.reallocate({a.data()}, default_alignment, {std::size_t{1} << 46}));
  EXPECT_TRUE(has_pattern(a.data(), a.size(), 1));
  h.deallocate(a.data());
}

TEST_F(heap_resize, huge_sizes_are_refused_for_large_blocks_too) {
  heap h{heap_options{}};
  for (const std::size_t size : {1_MiB, 40_MiB}) {
    const allocation a = h.allocate({size});
    ASSERT_TRUE(a);
    // The count of 64 KiB slices of these has 32 low bits that look harmless.
    for (const std::size_t high : {48, 49, 56, 62}) {
      const std::size_t absurd = (std::size_t{1} << high) + size;
      EXPECT_FALSE(test::try_resize(h, a.data(), absurd));
      EXPECT_FALSE(h.reallocate({a.data()}, default_alignment, {absurd}));
      EXPECT_FALSE(h.allocate({absurd}));
    }
    EXPECT_EQ(heap::usable_size(a.data()), a.size());
    h.deallocate(a.data());
  }
}

TEST_F(heap_resize, large_blocks_grow_and_shrink_where_they_are) {
  heap h{heap_options{}};
  void* const p = h.allocate({1_MiB}).data();
  fill_pattern(p, 1_MiB, 5);
  EXPECT_TRUE(test::try_resize(h, p, 8_MiB));
  EXPECT_TRUE(has_pattern(p, 1_MiB, 5));
  EXPECT_EQ(heap::usable_size(p), 8_MiB);
  EXPECT_EQ(h.used_bytes(), 8_MiB);
  EXPECT_TRUE(test::try_resize(h, p, 400_KiB));
  EXPECT_EQ(h.used_bytes(), 448_KiB);
  void* const fence = h.allocate({1_MiB}).data();
  EXPECT_TRUE(has_pattern(p, 400_KiB, 5));
  h.deallocate(fence);
  h.deallocate(p);
  h.check_invariants();
}

TEST_F(heap_resize, try_resize_changes_nothing_where_it_cannot) {
  heap h{heap_options{}};
  void* const small = h.allocate({100}).data();
  EXPECT_TRUE(test::try_resize(h, small, heap::usable_size(small)));
  EXPECT_FALSE(test::try_resize(h, small, heap::usable_size(small) + 1));
  void* const a = h.allocate({1_MiB}).data();
  void* const fence = h.allocate({1_MiB}).data();
  EXPECT_FALSE(test::try_resize(h, a, 20_MiB));
  EXPECT_EQ(heap::usable_size(a), 1_MiB);
  for (void* const p : {small, a, fence}) h.deallocate(p);
}

TEST_F(heap_resize, blocks_with_mappings_of_their_own_move_without_copying) {
  heap h{heap_options{}};
  allocation a = h.allocate({40_MiB});
  ASSERT_TRUE(a);
  static_cast<std::byte*>(a.data())[7] = std::byte{9};
  for (std::size_t size = 50_MiB; size <= 400_MiB; size += 50_MiB) {
    a = h.reallocate({a.data()}, default_alignment, {size});
    ASSERT_TRUE(a);
    EXPECT_EQ(static_cast<std::byte*>(a.data())[7], std::byte{9});
    EXPECT_EQ(h.used_bytes(), size);
    EXPECT_LE(os::resident_bytes({static_cast<std::byte*>(a.data()), size}), 64_KiB);
    EXPECT_EQ(heap::owner_of(a.data()), &h);
  }
  a = h.reallocate({a.data()}, default_alignment, {20_MiB});
  EXPECT_EQ(h.used_bytes(), 20_MiB);
  h.deallocate(a.data());
  EXPECT_EQ(h.used_bytes(), 0u);
}

}  // namespace
}  // namespace ashlar
