// SPDX-License-Identifier: MIT
// What a heap promises for each single call, on every kind of memory. Sequences of calls are the
// matter of tests/model, threads that of tests/stress.
#include "ashlar/heap/heap.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <vector>

#include "ashlar/base/units.hpp"
#include "ashlar/heap/size_class.hpp"
#include "ashlar/manager/memory.hpp"
#include "ashlar/manager/memory_system.hpp"
#include "ashlar/manager/source/user_os.hpp"
#include "support/counters.hpp"
#include "support/pattern.hpp"
#include "support/user_memory.hpp"
#include "unit/heap/heap_fixture.hpp"

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

using heap_test = test::plain_heaps;

TEST_F(heap_test, serves_every_size) {
  heap h{heap_options{}};
  for (const std::size_t size : interesting_sizes()) {
    const allocation a = h.allocate({size}, fit::get_no_less);
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

TEST_F(heap_test, blocks_of_no_bytes_are_blocks) {
  heap h{heap_options{}};
  void* const a = h.allocate({0}).data();
  void* const b = h.allocate({0}).data();
  void* const c = h.allocate({0, 1_MiB}).data();
  EXPECT_TRUE(a != nullptr && b != nullptr && c != nullptr && a != b);
  EXPECT_TRUE(is_aligned(address_of(c), 1_MiB));
  for (void* const p : {a, b, c}) h.deallocate(p);
}

TEST_F(heap_test, zeroes_what_was_used_before) {
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

TEST_F(heap_test, does_not_touch_fresh_pages_to_zero_them) {
  heap h{heap_options{}};
  const allocation a = h.allocate_zeroed({16_MiB});
  ASSERT_TRUE(a);
  EXPECT_EQ(os::resident_bytes({static_cast<std::byte*>(a.data()), 16_MiB}), 0u);
}

TEST_F(heap_test, meets_every_alignment_up_to_a_gigabyte) {
  heap h{heap_options{}};
  for (std::size_t alignment = 1; alignment <= 1_GiB; alignment *= 2) {
    for (const std::size_t size : {1_KiB / 16, 5000 + 0_KiB, 300_KiB, 3_MiB}) {
      const allocation a = h.allocate({size, alignment}, fit::get_no_less);
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

TEST_F(heap_test, refuses_the_absurd_and_says_why) {
  heap h{heap_options{}};
  const std::size_t used = h.used_bytes();
  EXPECT_EQ(h.allocate({max_size + 1}).reason(), status::too_large);
  EXPECT_EQ(h.allocate({static_cast<std::size_t>(-1)}).reason(), status::too_large);
  EXPECT_EQ(h.allocate({max_size}).reason(), status::too_large);
  EXPECT_EQ(h.allocate({std::size_t{1} << 50}).reason(), status::too_large);
  EXPECT_EQ(h.allocate({100, 0}).reason(), status::bad_alignment);
  EXPECT_EQ(h.allocate({100, 24}).reason(), status::bad_alignment);
  EXPECT_EQ(h.allocate({100, heap::max_alignment * 2}).reason(), status::bad_alignment);
  EXPECT_EQ(h.allocate({8_TiB}).reason(), status::no_memory);
  EXPECT_EQ(h.allocate_zeroed({static_cast<std::size_t>(-8)}).reason(), status::too_large);
  EXPECT_EQ(h.used_bytes(), used);
}

TEST_F(heap_test, is_ready_when_nothing_is_said) {
  heap h;
  const allocation a = h.allocate({100});
  ASSERT_TRUE(a);
  h.deallocate(a.get());
  h.check_invariants();
}

TEST_F(heap_test, refuses_everything_before_it_is_initialized_and_after_it_is_destroyed) {
  heap h(not_started);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(h.allocate({1}).reason(), status::no_memory);
    EXPECT_EQ(h.allocate({1_MiB}).reason(), status::no_memory);
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

TEST_F(heap_test, can_live_twice) {
  heap h(not_started);
  for (int life = 0; life < 3; ++life) {
    ASSERT_EQ(h.initialize({}), status::success);
    for (std::size_t i = 0; i < 500; ++i) ASSERT_TRUE(h.allocate({i * 50}));
    ASSERT_TRUE(h.allocate({40_MiB}));
    h.check_invariants();
    h.destroy();
  }
}

// --- options ---

TEST_F(heap_test, exact_fits_have_the_size_asked_for_and_larger_ones_are_usable_whole) {
  heap h{heap_options{}};
  for (const std::size_t size : interesting_sizes()) {
    const allocation exact = h.allocate({size});
    EXPECT_EQ(exact.size(), size);
    const allocation dirty = h.allocate({size}, fit::get_no_less);
    ASSERT_TRUE(dirty);
    std::memset(dirty.data(), 0xff, dirty.size());
    h.deallocate(dirty.get(), default_alignment);
    const allocation zeroed = h.allocate_zeroed({size}, fit::get_no_less);
    EXPECT_EQ(test::first_nonzero(zeroed.data(), zeroed.size()), zeroed.size()) << size;
  }
}

TEST_F(heap_test, is_a_manager) {
  heap h{{.name = "level"}};
  const memory handle = h;
  EXPECT_STREQ(handle.name(), "level");
  EXPECT_STREQ(handle.kind(), "heap");
  const allocation a = handle.allocate({100});
  ASSERT_TRUE(a);
  EXPECT_TRUE(handle.owns(a.data()));
  EXPECT_FALSE(handle.owns(&h));
  EXPECT_EQ(handle.usable_size(a.data()), 112u);
  EXPECT_GE(handle.usage().used, 100u);
  EXPECT_EQ(system().find("level"), &h);
  const allocation b = handle.reallocate(a.get(), default_alignment, {200'000});
  ASSERT_TRUE(b);
  handle.free_all();
  EXPECT_EQ(handle.usage().used, 0u);
  EXPECT_TRUE(handle.allocate({100}));
  h.destroy();
  EXPECT_EQ(system().find("level"), nullptr);
}

TEST_F(heap_test, a_move_keeps_only_the_bytes_in_use) {
  heap h{heap_options{}};
  for (const std::size_t size : {std::size_t{1000}, std::size_t{100'000}, std::size_t{600'000}}) {
    const allocation a = h.allocate({size});
    fill_pattern(a.data(), size, size);
    const allocation b = h.reallocate(a.get(), default_alignment, {size * 40, size / 2});
    EXPECT_TRUE(has_pattern(b.data(), size / 2, size));
  }
}

TEST_F(heap_test, cache_line_option_keeps_blocks_apart) {
  heap h{{.cache_line_aligned = true}};
  for (std::size_t size = 0; size < 3000; size += 7) {
    const allocation a = h.allocate({size}, fit::get_no_less);
    ASSERT_TRUE(a);
    EXPECT_TRUE(is_aligned(address_of(a.data()), 64));
    EXPECT_TRUE(is_aligned(a.size(), 64));
    const allocation b = h.reallocate({a.data()}, default_alignment,
                                      {.size = size + 13, .wanted = fit::get_no_less});
    EXPECT_TRUE(is_aligned(address_of(b.data()) | b.size(), 64));
  }
}

TEST_F(heap_test, lives_on_a_block_of_the_user_alone) {
  const test::user_memory memory(8_MiB);
  user_block_os block({memory.all()});
  const test::counter_watch watch;
  {
    heap h{{.os = &block}};
    std::vector<void*> blocks;
    while (true) {
      const allocation a = h.allocate({5000});
      if (!a) {
        EXPECT_EQ(a.reason(), status::no_memory);
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
  EXPECT_EQ(block.available(), block.capacity());
}

TEST_F(heap_test, does_not_take_a_users_block_for_zero) {
  const test::user_memory memory(4_MiB);
  user_block_os block({memory.all()});
  heap h{{.os = &block}};
  for (const std::size_t size : {16_KiB, 200_KiB, 1_MiB})
    EXPECT_EQ(test::first_nonzero(h.allocate_zeroed({size}).data(), size), size);
}

TEST_F(heap_test, does_not_take_zeroed_memory_of_a_user_for_zero_once_it_was_used) {
  test::user_interface interface;
  os_manager pages(interface.verbs());
  for (int life = 0; life < 3; ++life) {
    heap h{{.os = &pages}};
    for (int round = 0; round < 3; ++round) {
      const allocation a = h.allocate_zeroed({3_MiB});
      ASSERT_TRUE(a);
      EXPECT_EQ(test::first_nonzero(a.data(), 3_MiB), 3_MiB) << "round " << round;
      std::memset(a.data(), 0xff, 3_MiB);
      h.deallocate(a.data());
    }
  }
}

TEST_F(heap_test, lives_on_an_interface_of_the_user) {
  test::user_interface interface;
  interface.budget = 64_MiB;
  os_manager pages(interface.verbs());
  {
    heap h{{.os = &pages}};
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
  EXPECT_EQ(pages.usage().held, 0u);
}

TEST_F(heap_test, several_do_not_mix) {
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
  const allocation moved = b.reallocate({a.allocate({100}).data()}, default_alignment, {5000});
  EXPECT_TRUE(moved);
}

TEST_F(heap_test, trim_gives_everything_idle_back) {
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

TEST_F(heap_test, destroy_gives_everything_back) {
  {
    heap first{heap_options{}};
    EXPECT_TRUE(first.allocate({1}));
  }
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

}  // namespace
}  // namespace ashlar
