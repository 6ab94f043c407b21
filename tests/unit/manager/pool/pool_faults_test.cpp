// SPDX-License-Identifier: MIT
// What a pool finds when its rules are broken, at once or when it is checked.
#include "ashlar/pool.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "ashlar/base/units.hpp"
#include "support/fault_log.hpp"
#include "support/unwatched.hpp"

namespace ashlar {
namespace {

std::vector<void*> take(pool& p, std::size_t count) {
  std::vector<void*> blocks(count);
  EXPECT_EQ(p.get_many(blocks), count);
  return blocks;
}

TEST(pool, reports_foreign_pointers_and_changes_nothing) {
  test::fault_log faults;
  pool p({64, 8});
  pool other({64, 8});
  const auto blocks = take(p, 2000);  // more than one slab
  void* const foreign = other.get();
  int on_stack = 0;
  void* const nowhere = at_address(0x10000);
  for (void* const wrong : {foreign, static_cast<void*>(&on_stack), nowhere}) {
    p.put(wrong);
    EXPECT_TRUE(faults.took(fault_kind::invalid_free, wrong));
    EXPECT_FALSE(p.owns(wrong));
  }
  pool unused({64, 8});
  unused.put(foreign);
  EXPECT_TRUE(faults.took(fault_kind::invalid_free, foreign));
  EXPECT_EQ(p.usage().live_blocks, blocks.size());
  EXPECT_TRUE(p.check_invariants());
}

TEST(pool, reports_pointers_into_blocks) {
  test::fault_log faults;
  pool p({64, 8});
  const auto blocks = take(p, 2000);
  for (void* const b : {blocks.front(), blocks.back()}) {  // in a full slab; in the current one
    void* const inside = static_cast<std::byte*>(b) + 8;
    p.put(inside);
    EXPECT_TRUE(faults.took(fault_kind::interior_free, inside));
  }
  EXPECT_TRUE(p.check_invariants());
}

// Behind the last block of a page, in the header of a slab and in that of the next one.
TEST(pool, reports_pointers_between_blocks) {
  test::fault_log faults;
  for (const std::size_t size : {24u, 48u, 64u, 1000u, 3000u, 5000u}) {
    pool p({size, 8}, {.page_size = 64_KiB});
    const auto blocks = take(p, 200'000 / size);
    for (void* const b : {blocks.front(), blocks.back()}) {
      auto* const slab = static_cast<std::byte*>(b) - address_of(b) % 64_KiB;
      const slab_shape shape = slab_shape::of({size, 8}, 64_KiB, os::page_size());
      std::size_t wrong = 0;
      for (std::size_t offset = 0; offset <= 64_KiB; offset += 8) {
        if (shape.index_of(offset) != slab_shape::none) continue;
        const std::size_t before = faults.count();
        p.put(slab + offset);
        EXPECT_EQ(faults.count(), before + 1) << size << " at " << offset;
        ++wrong;
      }
      EXPECT_GT(wrong, shape.first / 8);
    }
    EXPECT_EQ(p.usage().live_blocks, blocks.size());
    EXPECT_TRUE(p.check_invariants());
  }
}

TEST(pool, reports_numbers_that_are_no_pointers) {
  test::fault_log faults;
  pool p({64, 8});
  (void)take(p, 10);
  for (const std::uintptr_t number : {8u, 0x1000u, 0xff00u}) {
    p.put(at_address(number));
    EXPECT_TRUE(faults.took(fault_kind::invalid_free, at_address(number)));
  }
  EXPECT_TRUE(p.check_invariants());
}

TEST(pool, reports_a_block_that_comes_back_twice_in_a_row) {
  const test::unwatched quiet;
  test::fault_log faults;
  pool p({64, 8});
  const auto blocks = take(p, 2000);
  for (void* const b : {blocks.front(), blocks.back()}) {
    p.put(b);
    p.put(b);
    EXPECT_TRUE(faults.took(fault_kind::double_free, b));
  }
  EXPECT_EQ(p.usage().live_blocks, 1998u);
  EXPECT_TRUE(p.check_invariants());
}

TEST(pool, finds_every_double_free_when_it_is_checked) {
  const test::unwatched quiet;
  test::fault_log faults;
  pool p({64, 8});
  const auto blocks = take(p, 10);
  p.put(blocks[0]);
  p.put(blocks[1]);
  p.put(blocks[0]);
  EXPECT_EQ(faults.count(), 0u);
  EXPECT_FALSE(p.check_invariants());
  EXPECT_EQ(faults.count(), 1u);
}

TEST(pool, finds_a_write_into_a_free_block_when_it_is_checked) {
  const test::unwatched quiet;
  test::fault_log faults;
  pool p({64, 8});
  const auto blocks = take(p, 10);
  p.put(blocks[0]);
  p.put(blocks[1]);
  *static_cast<std::uintptr_t*>(blocks[1]) += 8;
  EXPECT_FALSE(p.check_invariants());
  EXPECT_EQ(faults.count(), 1u);
  *static_cast<std::uintptr_t*>(blocks[1]) -= 8;
}

TEST(pool, reports_a_size_that_it_never_served) {
  test::fault_log faults;
  pool p({64, 8});
  void* const b = p.get();
  p.deallocate({b, 65}, 8);
  EXPECT_TRUE(faults.took(fault_kind::size_mismatch, b));
  EXPECT_EQ(p.usage().live_blocks, 1u);
}

TEST(pool, resize_of_what_is_no_block_of_it_is_a_fault) {
  test::fault_log faults;
  pool p({16, 8});
  auto* const ours = static_cast<std::byte*>(p.get());
  alignas(16) static std::byte foreign[64];
  EXPECT_EQ(p.reallocate({foreign, 8}, 8, {.size = 12}).reason(), status::unsupported);
  EXPECT_TRUE(faults.took(fault_kind::invalid_resize, foreign));
  EXPECT_EQ(p.reallocate({ours + 8, 8}, 8, {.size = 12}).reason(), status::unsupported);
  EXPECT_TRUE(faults.took(fault_kind::invalid_resize, ours + 8));
  EXPECT_TRUE(p.reallocate({ours, 8}, 8, {.size = 12}));
}

}  // namespace
}  // namespace ashlar
