// SPDX-License-Identifier: MIT
// What a heap does with pointers that it never gave out, or took back already: one fault, no harm.
#include <gtest/gtest.h>

#include <thread>

#include "ashlar/base/units.hpp"
#include "ashlar/heap/heap.hpp"
#include "support/fault_log.hpp"
#include "support/pattern.hpp"
#include "unit/heap/heap_fixture.hpp"

namespace ashlar {
namespace {

using test::fill_pattern;
using test::has_pattern;

using heap_faults = test::plain_heaps;

TEST_F(heap_faults, foreign_and_interior_pointers_are_faults) {
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
    EXPECT_FALSE(h.reallocate({p + 8}, default_alignment, {10}));
    EXPECT_TRUE(faults.took(fault_kind::invalid_resize, p + 8));
    EXPECT_TRUE(has_pattern(p, size, 3));
    h.deallocate(p);
    EXPECT_EQ(faults.count(), 0u);
  }
  EXPECT_FALSE(h.reallocate({&on_stack}, default_alignment, {10}));
  EXPECT_TRUE(faults.took(fault_kind::invalid_resize, &on_stack));
  h.check_invariants();
}

TEST_F(heap_faults, large_blocks_freed_twice_are_faults) {
  heap h{heap_options{}};
  test::fault_log faults;
  for (const std::size_t size : {1_MiB, 40_MiB}) {
    void* const p = h.allocate({size}).data();
    h.deallocate(p);
    h.deallocate(p);
    EXPECT_TRUE(faults.took(fault_kind::invalid_free, p));
  }
}

TEST_F(heap_faults, small_blocks_freed_twice_are_faults_when_they_leave_the_bin) {
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

// The second free puts the block into the bin of one thread while another one brings it home.
TEST_F(heap_faults, blocks_freed_twice_are_faults_though_a_large_block_lies_there_now) {
  for (const std::size_t size : {64_KiB / 1024, 100_KiB}) {
    heap h{heap_options{}};
    test::fault_log faults;
    void* const p = h.allocate({size}).data();
    h.trim(0);  // no neighbour in a bin keeps the slab
    h.deallocate(p);
    void* large = nullptr;
    std::thread([&] {
      h.deallocate(p);
      h.trim(0);
      large = h.allocate({8_MiB}).data();
    }).join();
    ASSERT_EQ(large, p) << "the case that this test is about";
    fill_pattern(large, 8_MiB, 4);
    h.trim(0);
    EXPECT_TRUE(faults.took(fault_kind::double_free, p));
    EXPECT_TRUE(has_pattern(large, 8_MiB, 4));
    h.deallocate(large);
    EXPECT_EQ(faults.count(), 0u);
    h.check_invariants();
  }
}

}  // namespace
}  // namespace ashlar
