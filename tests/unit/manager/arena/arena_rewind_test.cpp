// SPDX-License-Identifier: MIT
// How arenas let go: marks, pops, trims, owned objects; and the rules. Children and adoption:
// arena_family_test.cpp.
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "ashlar/arena.hpp"
#include "ashlar/base/units.hpp"
#include "support/fault_log.hpp"
#include "support/pattern.hpp"
#include "unit/manager/arena/witness.hpp"

namespace ashlar {
namespace {

using test::fault_log;
using test::witness;

constexpr arena_options small_chunks = {.kind = backing::chained,
                                        .growth = {.first = 1_KiB, .cap = 4_KiB}};

// --- marks and positions -------------------------------------------------------------------------

// A large block lies in a chunk beside the others.
TEST(arena_rewind, owns_no_byte_that_was_popped) {
  for (const backing kind : {backing::reserved, backing::chained}) {
    arena a({.kind = kind, .growth = {.first = 1_KiB, .cap = 8_KiB}});
    auto* const p = static_cast<std::byte*>(a.push(500'000));
    a.pop(400'000);
    std::size_t used = 0;
    a.for_each_chunk([&](const arena::chunk_view& c) { used += c.used; });
    EXPECT_EQ(used, a.pos());
    EXPECT_TRUE(a.owns(p + 99'999));
    EXPECT_FALSE(a.owns(p + 100'000));
    EXPECT_TRUE(a.check_invariants());
  }
}

TEST(arena_rewind, ends_what_came_after_and_keeps_what_came_before) {
  for (const backing kind : {backing::reserved, backing::chained}) {
    arena a({.kind = kind, .growth = {.first = 1_KiB, .cap = 8_KiB}});
    auto* const before = static_cast<std::byte*>(a.push(700));
    test::fill_pattern(before, 700, 1);
    const mark place = a.here();
    for (int i = 0; i < 100; ++i) (void)a.push(i % 7 == 0 ? 5000 : 300);
    a.rewind(place);
    EXPECT_EQ(a.pos(), 700u);
    EXPECT_TRUE(test::has_pattern(before, 700, 1));
    EXPECT_TRUE(a.check_invariants());
    a.rewind(place);  // a mark is good as often as one likes
    EXPECT_EQ(a.pos(), 700u);
  }
}

TEST(arena_rewind, pops_to_every_position_of_a_chain) {
  arena a(small_chunks);
  a.set_auto_align(1);
  std::vector<std::size_t> ends;
  for (int i = 0; i < 60; ++i) {
    (void)a.push(i % 9 == 0 ? 3000 : 170);
    ends.push_back(a.pos());
  }
  for (std::size_t i = ends.size(); i-- > 0;) {
    a.pop_to(ends[i]);
    ASSERT_EQ(a.pos(), ends[i]);
    ASSERT_TRUE(a.check_invariants());
    a.pop(50);
    ASSERT_EQ(a.pos(), ends[i] - 50);
    ASSERT_TRUE(a.check_invariants());
  }
}

TEST(arena_rewind, a_scope_ends_what_is_pushed_in_it) {
  arena a;
  (void)a.push(100);
  {
    arena_scope outer(a);
    (void)outer->push(100);
    {
      arena_scope inner(a);
      (void)inner->push(5_MiB);
    }
    EXPECT_EQ(a.pos(), 212u);
  }
  EXPECT_EQ(a.pos(), 100u);
}

TEST(arena_rewind, stale_mark_is_a_fault_even_where_new_blocks_lie) {
  fault_log faults;
  arena a;
  (void)a.push(100);
  const mark low = a.here();
  (void)a.push(100);
  const mark high = a.here();
  a.rewind(low);
  a.rewind(high);
  EXPECT_TRUE(faults.took(fault_kind::stale_mark, &a));
  (void)a.push(200);
  const std::size_t before = a.pos();
  a.rewind(high);
  EXPECT_TRUE(faults.took(fault_kind::stale_mark, &a));
  EXPECT_EQ(a.pos(), before);
  a.rewind(low);
  EXPECT_EQ(faults.count(), 0u);
  a.clear();
  a.rewind(low);
  EXPECT_TRUE(faults.took(fault_kind::stale_mark, &a));
}

// A ninth step makes the arena forget the least high one: here that from 500 to 501.
TEST(arena_rewind, takes_a_mark_that_only_a_forgotten_rewind_ended_for_the_position_that_it_names) {
  fault_log faults;
  arena a;
  mark stale{};
  for (int step = 1; step <= 9; ++step) {
    ASSERT_NE(a.push_no_zero<char>(step == 6 ? 1 : 100), nullptr);
    const mark good = a.here();
    ASSERT_NE(a.push_no_zero<char>(step == 5 ? 1 : 10), nullptr);
    if (const mark above = a.here(); step == 5) stale = above;
    a.rewind(good);
    ASSERT_EQ(faults.count(), 0u);
  }
  (void)a.push_no_zero<char>(1000);
  const std::size_t before = a.pos();
  ASSERT_EQ(stale.position, 501u);
  ASSERT_GT(before, 1501u);
  a.rewind(stale);
  EXPECT_EQ(faults.count(), 0u);
  EXPECT_EQ(a.pos(), stale.position);
  EXPECT_TRUE(a.check_invariants());
  EXPECT_NE(a.push(100), nullptr);
}

TEST(arena_rewind, mark_of_another_arena_is_a_fault) {
  fault_log faults;
  arena a;
  arena b;
  (void)a.push(100);
  (void)b.push(100);
  a.rewind(b.here());
  EXPECT_TRUE(faults.took(fault_kind::stale_mark, &a));
}

TEST(arena_rewind, pop_beyond_the_start_is_a_fault) {
  fault_log faults;
  arena a;
  (void)a.push(100);
  a.pop(101);
  EXPECT_TRUE(faults.took(fault_kind::pop_beyond_start, &a));
  a.pop_to(101);
  EXPECT_TRUE(faults.took(fault_kind::stale_mark, &a));
  EXPECT_EQ(a.pos(), 100u);
}

TEST(mark_history, finds_stale_marks_in_a_stair_of_rewinds) {
  detail::mark_history history;
  const int owner = 0;
  std::vector<mark> stale;
  std::vector<mark> good;
  // Each round takes a mark at its start, which stays good, and one above, which does not.
  for (std::size_t start = 100; start < 100 + 8 * 10; start += 10) {
    good.push_back(history.make(&owner, start));
    stale.push_back(history.make(&owner, start + 5));
    history.rewound(start);
  }
  for (const mark m : good) EXPECT_FALSE(history.is_stale(&owner, m)) << m.position;
  for (const mark m : stale) EXPECT_TRUE(history.is_stale(&owner, m)) << m.position;
  // More than it has room for: good marks stay good, and what is low is still found.
  for (std::size_t start = 200; start < 3000; start += 20) {
    good.push_back(history.make(&owner, start));
    (void)history.make(&owner, start + 5);
    history.rewound(start);
  }
  for (const mark m : good) EXPECT_FALSE(history.is_stale(&owner, m)) << m.position;
  const mark top = history.make(&owner, 5000);
  history.rewound(50);
  for (const mark m : good) EXPECT_TRUE(history.is_stale(&owner, m)) << m.position;
  EXPECT_TRUE(history.is_stale(&owner, top));
}

// --- owned objects -------------------------------------------------------------------------------

TEST(arena_own, runs_destructors_last_first) {
  std::vector<int> ended;
  {
    arena a(small_chunks);
    for (int i = 0; i < 3; ++i) ASSERT_NE(a.own<witness>(ended, i), nullptr);
    const mark place = a.here();
    for (int i = 3; i < 40; ++i) (void)a.own<witness>(ended, i);
    a.rewind(place);
    ASSERT_EQ(ended.size(), 37u);
    for (std::size_t i = 0; i < 37; ++i) EXPECT_EQ(ended[i], 39 - static_cast<int>(i));
    ended.clear();
  }
  EXPECT_EQ(ended, (std::vector<int>{2, 1, 0}));
}

TEST(arena_own, runs_destructors_at_clear_and_free_all_and_once) {
  std::vector<int> ended;
  arena a;
  (void)a.own<witness>(ended, 1);
  a.clear();
  (void)a.own<witness>(ended, 2);
  a.free_all();
  (void)a.own<witness>(ended, 3);
  a.pop(1);  // the end of the object: all of it ends
  EXPECT_EQ(ended, (std::vector<int>{1, 2, 3}));
}

TEST(arena_own, costs_nothing_for_types_without_destructor) {
  arena a;
  EXPECT_EQ(*a.own<int>(7), 7);
  EXPECT_EQ(a.pos(), sizeof(int));
  struct alignas(128) wide {
    std::string text;
  };
  EXPECT_TRUE(is_aligned(address_of(a.own<wide>()), 128));
}

// --- in place ------------------------------------------------------------------------------------

TEST(arena_resize, grows_and_shrinks_the_last_block_in_place) {
  arena a({.reserve = 16_MiB});
  const block b = a.allocate({100, 16}).get();
  EXPECT_EQ(a.reallocate(b, 16, {.size = 5_MiB}).data(), b.data);
  EXPECT_EQ(a.pos(), 5_MiB);
  EXPECT_EQ(a.reallocate({b.data, 5_MiB}, 16, {.size = 10}).data(), b.data);
  EXPECT_EQ(a.pos(), 10u);
  EXPECT_EQ(a.push_no_zero(1), static_cast<std::byte*>(b.data) + 16);
}

TEST(arena_resize, cleared_again_what_a_shrunk_block_gave_back) {
  arena a;
  const block b = a.allocate({1000, 1}).get();
  std::memset(b.data, 7, b.size);
  (void)a.reallocate(b, 1, {.size = 10});
  EXPECT_EQ(test::first_nonzero(a.push(900), 900), 900u);
}

TEST(arena_resize, keeps_the_end_of_a_block_below_a_mark) {
  fault_log faults;
  arena a;
  const block b = a.allocate({1000, 1}).get();
  const mark place = a.here();
  EXPECT_EQ(a.reallocate(b, 1, {.size = 10}).data(), b.data);
  EXPECT_EQ(a.pos(), 1000u);
  a.rewind(place);
  EXPECT_EQ(faults.count(), 0u);
}

TEST(arena_resize, moves_only_what_is_used) {
  arena a;
  const block b = a.allocate({1000, 1}).get();
  std::memset(b.data, 7, b.size);
  (void)a.push(1);
  EXPECT_EQ(a.reallocate(b, 1, {.size = 2000, .may_move = false}).reason(), status::unsupported);
  const allocation moved = a.reallocate(b, 1, {.size = 2000, .used = 10});
  EXPECT_NE(moved.data(), b.data);
  EXPECT_EQ(static_cast<std::byte*>(moved.data())[9], std::byte{7});
  EXPECT_EQ(static_cast<std::byte*>(moved.data())[10], std::byte{0});
}

// --- keeping and giving back ---------------------------------------------------------------------

TEST(arena_trim, gives_pages_back_that_read_as_zero_afterwards) {
  arena a({.reserve = 64_MiB});
  std::memset(a.push(8_MiB), 7, 8_MiB);
  a.clear();
  const std::size_t held = a.usage().held;
  EXPECT_EQ(a.trim(1_MiB), held - 1_MiB);
  EXPECT_EQ(a.usage().held, 1_MiB);
  EXPECT_EQ(test::first_nonzero(a.push(8_MiB), 8_MiB), 8_MiB);
}

TEST(arena_trim, keeps_what_the_options_say) {
  for (const backing kind : {backing::reserved, backing::chained}) {
    arena a({.kind = kind, .keep = 256_KiB});
    for (int i = 0; i < 100; ++i) (void)a.push(100'000);
    a.clear();
    EXPECT_LE(a.usage().held, 256_KiB + 64_KiB);
    EXPECT_TRUE(a.check_invariants());
  }
}

TEST(arena_trim, free_all_begins_anew) {
  arena a({.kind = backing::chained, .growth = {.first = 8_KiB}});
  for (int i = 0; i < 1000; ++i) (void)a.push(1000);
  a.free_all();
  EXPECT_EQ(a.usage().held, 0u);
  (void)a.push(1);
  EXPECT_EQ(a.usage().held, 8_KiB);
  EXPECT_GE(a.usage().peak_used, 1'000'000u);
}

}  // namespace
}  // namespace ashlar
