// SPDX-License-Identifier: MIT
// The families of size classes, and the buckets over them, beyond the conformance suite.
#include "ashlar/buckets.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "ashlar/base/units.hpp"
#include "ashlar/heap/size_class.hpp"
#include "support/fault_log.hpp"
#include "support/random.hpp"
#include "support/upstream.hpp"

namespace ashlar {
namespace {

constexpr class_family families[] = {class_family::powers_of_two, class_family::geometric,
                                     class_family::fine};

const class_table& table_of(class_family family) {
  return class_tables[static_cast<std::size_t>(family)];
}

TEST(class_table, finds_the_smallest_class_that_holds_a_size) {
  for (const class_family family : families) {
    const class_table& table = table_of(family);
    std::size_t c = 0;
    for (std::size_t size = 0; size <= class_table::largest; ++size) {
      while (table.size_of(c) < size) ++c;
      ASSERT_EQ(table.class_of(size), c) << size;
    }
    EXPECT_EQ(c, table.count() - 1);
    EXPECT_EQ(table.size_of(c), class_table::largest);
  }
}

TEST(class_table, ascends_in_multiples_of_16_and_has_the_powers_of_two) {
  for (const class_family family : families) {
    const class_table& table = table_of(family);
    std::size_t powers = 0;
    for (std::size_t c = 0; c < table.count(); ++c) {
      EXPECT_EQ(table.size_of(c) % 16, 0u);
      EXPECT_TRUE(c == 0 || table.size_of(c) > table.size_of(c - 1));
      powers += is_power_of_two(table.size_of(c));
    }
    EXPECT_EQ(powers, 15u);
  }
}

TEST(class_table, serves_every_alignment) {
  for (const class_family family : families) {
    const class_table& table = table_of(family);
    for (std::size_t alignment = 1; alignment <= class_table::largest; alignment *= 2) {
      for (const std::size_t size : {std::size_t{0}, std::size_t{1}, alignment - 1, alignment,
                                     std::size_t{1000}, class_table::largest}) {
        const std::size_t c = table.class_of(layout{size, alignment});
        ASSERT_NE(c, class_table::none);
        EXPECT_GE(table.size_of(c), size);
        EXPECT_EQ(table.size_of(c) % alignment, 0u);
      }
    }
    EXPECT_EQ(table.class_of(layout{class_table::largest + 1, 1}), class_table::none);
    EXPECT_EQ(table.class_of(layout{1, 2 * class_table::largest}), class_table::none);
  }
}

TEST(class_table, of_the_geometric_family_is_the_founding_formula_rounded_up) {
  const class_table& table = table_of(class_family::geometric);
  EXPECT_LE(table.count(), class_table::max_classes);
  for (std::size_t size = 16; size <= class_table::largest; size += 7) {
    const double exponent = std::log(static_cast<double>(size) / 16.0) / std::log(1.25);
    const double exact = 16.0 * std::pow(1.25, std::ceil(exponent - 1e-9));
    const std::size_t chosen = table.size_of(table.class_of(size));
    ASSERT_GE(chosen, size);
    ASSERT_LE(static_cast<double>(chosen), exact + 16.0) << size;
  }
}

TEST(class_table, of_the_fine_family_is_the_heap_s) {
  const class_table& table = table_of(class_family::fine);
  ASSERT_EQ(table.count(), class_count);
  for (size_class c = 0; c < class_count; ++c)
    EXPECT_EQ(table.size_of(c), size_classes[c].block_size);
}

TEST(buckets, keep_counters_for_each_class) {
  buckets b({.family = class_family::powers_of_two});
  for (int i = 0; i < 5; ++i) (void)b.allocate({100, 8});
  const allocation a = b.allocate({1000, 8});
  EXPECT_EQ(b.bin(3).block_size, 128u);
  EXPECT_EQ(b.bin(3).live_blocks, 5u);
  EXPECT_EQ(b.bin(3).slab_bytes, 64_KiB);
  EXPECT_EQ(b.bin(6).live_blocks, 1u);
  EXPECT_EQ(b.bin(5).slab_bytes, 0u);
  EXPECT_EQ(b.usage().used, 5 * 128 + 1024u);
  b.deallocate({a.data(), 1000}, 8);
  EXPECT_EQ(b.bin(6).live_blocks, 0u);
}

TEST(buckets, are_made_at_compile_time) {
  static constinit buckets b({.family = class_family::geometric});
  EXPECT_EQ(b.usage().held, 0u);
  EXPECT_EQ(b.bin(0).live_blocks, 0u);
  EXPECT_TRUE(b.allocate({10, 8}));
}

TEST(buckets, refuse_what_is_larger_than_their_largest_block) {
  buckets b({.max_block = 4_KiB});
  EXPECT_TRUE(b.allocate({4_KiB, 4_KiB}));
  EXPECT_EQ(b.allocate({4_KiB + 1, 1}).reason(), status::too_large);
  EXPECT_EQ(b.allocate({8, 512_KiB}).reason(), status::bad_alignment);
  EXPECT_EQ(b.allocate({8, 3}).reason(), status::bad_alignment);
}

TEST(buckets, resize_in_place_within_a_class_only) {
  buckets b({.family = class_family::powers_of_two});
  const allocation a = b.allocate({65, 8});
  EXPECT_EQ(b.reallocate({a.data(), 65}, 8, {.size = 128}).data(), a.data());
  EXPECT_EQ(b.reallocate({a.data(), 128}, 8, {.size = 200, .may_move = false}).reason(),
            status::unsupported);
  EXPECT_EQ(b.reallocate({a.data(), 128}, 8, {.size = 64, .may_move = false}).reason(),
            status::unsupported);
  const allocation moved = b.reallocate({a.data(), 128}, 8, {.size = 64});
  ASSERT_TRUE(moved);
  EXPECT_NE(moved.data(), a.data());
  EXPECT_EQ(b.usage().used, 64u);
}

TEST(buckets, report_what_does_not_fit) {
  test::fault_log faults;
  buckets b;
  buckets other;
  const allocation a = b.allocate({100, 8});
  const allocation foreign = other.allocate({100, 8});
  b.deallocate({a.data(), 1000}, 8);
  EXPECT_TRUE(faults.took(fault_kind::size_mismatch, a.data()));
  b.deallocate({a.data(), 300'000}, 8);
  EXPECT_TRUE(faults.took(fault_kind::size_mismatch, a.data()));
  b.deallocate(foreign.get(), 8);
  EXPECT_TRUE(faults.took(fault_kind::invalid_free, foreign.data()));
  b.deallocate(foreign.data());
  EXPECT_TRUE(faults.took(fault_kind::invalid_free, foreign.data()));
  buckets unused;
  unused.deallocate(foreign.get(), 8);
  EXPECT_TRUE(faults.took(fault_kind::invalid_free, foreign.data()));
  b.deallocate(a.data());
  b.deallocate(a.data());
  EXPECT_TRUE(faults.took(fault_kind::double_free, a.data()));
  EXPECT_TRUE(b.check_invariants());
}

TEST(buckets, give_all_back) {
  test::counting_upstream upstream;
  test::random_source random(5);
  for (const class_family family : families) {
    buckets b({.upstream = upstream, .family = family, .page_size = 4_KiB});
    std::vector<block> live;
    for (int i = 0; i < 20'000; ++i) {
      if (random.one_in(2) || live.empty()) {
        const std::size_t size = random.log_uniform(20_KiB);
        live.push_back({b.allocate({size, 8}).data(), size});
        ASSERT_NE(live.back().data, nullptr);
      } else {
        const std::size_t at = random.below(live.size());
        b.deallocate(live[at], 8);
        live[at] = live.back();
        live.pop_back();
      }
    }
    EXPECT_TRUE(b.check_invariants());
    EXPECT_EQ(b.usage().live_blocks, live.size());
    EXPECT_EQ(b.usage().held, upstream.bytes());
    for (const block& one : live) b.deallocate(one, 8);
    EXPECT_EQ(b.usage().used, 0u);
    const std::size_t held = b.usage().held;
    const std::size_t given = b.trim(64_KiB);
    EXPECT_EQ(b.usage().held, held - given);
    EXPECT_GT(given, 0u);
    b.trim();
    EXPECT_TRUE(b.check_invariants());
  }
  EXPECT_EQ(upstream.live(), 0u);
}

TEST(buckets, resize_of_what_is_no_block_of_them_is_a_fault) {
  test::fault_log faults;
  buckets b;
  ASSERT_TRUE(b.allocate({16}));
  alignas(16) static std::byte foreign[64];
  for (const std::size_t size : {12, 100}) {
    EXPECT_EQ(b.reallocate({foreign, 8}, 8, {.size = size}).reason(), status::unsupported);
    EXPECT_TRUE(faults.took(fault_kind::invalid_resize, foreign));
  }
  EXPECT_EQ(b.usage().live_blocks, 1u);
}

}  // namespace
}  // namespace ashlar
