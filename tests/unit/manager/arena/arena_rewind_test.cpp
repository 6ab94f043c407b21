// SPDX-License-Identifier: MIT
// How arenas let go: marks, pops, trims, owned objects, children, adoption; and the rules.
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "ashlar/arena.hpp"
#include "ashlar/base/units.hpp"
#include "ashlar/manager/arena/hosted_arena.hpp"
#include "ashlar/manager/source/default_manager.hpp"
#include "ashlar/manager/source/os_manager.hpp"
#include "support/fault_log.hpp"
#include "support/pattern.hpp"

namespace ashlar {
namespace {

using test::fault_log;

constexpr arena_options small_chunks = {.kind = backing::chained,
                                        .growth = {.first = 1_KiB, .cap = 4_KiB}};

/// Tells the list in which order it ended.
struct witness {
  std::vector<int>* ended;
  int number;
  witness(std::vector<int>& list, int n) : ended(&list), number(n) {}
  ~witness() { ended->push_back(number); }
};

// --- marks and positions -------------------------------------------------------------------------

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

// --- children ------------------------------------------------------------------------------------

TEST(arena_sub, child_lives_in_its_parent_and_gives_its_memory_back) {
  arena parent;
  (void)parent.push(100);
  for (int round = 0; round < 3; ++round) {
    arena child = parent.sub({.growth = {.first = 4_KiB}});
    EXPECT_EQ(child.upstream(), &parent);
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(parent.owns(child.push(100)));
    EXPECT_GT(parent.pos(), 10'000u);
  }
  EXPECT_EQ(parent.pos(), 100u);
}

TEST(arena_sub, what_the_parent_pushed_meanwhile_stays) {
  arena parent;
  int* number = nullptr;
  {
    arena child = parent.sub();
    (void)child.push(10);
    number = parent.make<int>(7);
    (void)child.push(200'000);
  }
  (void)parent.push(1000);
  EXPECT_EQ(*number, 7);
  EXPECT_GT(parent.pos(), 200'000u);
}

TEST(arena_sub, rewind_past_an_open_child_is_a_fault) {
  fault_log faults;
  arena parent;
  const mark start = parent.here();
  (void)parent.push(100);
  {
    arena first = parent.sub();
    arena second = parent.sub();
    auto* const bytes = static_cast<std::byte*>(second.push(100));
    const std::size_t before = parent.pos();
    parent.rewind(start);
    EXPECT_TRUE(faults.took(fault_kind::still_in_use, &parent));
    parent.pop(1);
    EXPECT_TRUE(faults.took(fault_kind::still_in_use, &parent));
    parent.clear();
    EXPECT_TRUE(faults.took(fault_kind::still_in_use, &parent));
    parent.free_all();
    EXPECT_TRUE(faults.took(fault_kind::still_in_use, &parent));
    EXPECT_EQ(parent.pos(), before);
    bytes[99] = std::byte{1};
    const mark above = parent.here();
    (void)parent.push(100);
    parent.rewind(above);  // the child lies below
    EXPECT_EQ(faults.count(), 0u);
  }
  parent.rewind(start);
  EXPECT_EQ(faults.count(), 0u);
  EXPECT_EQ(parent.pos(), 0u);
}

TEST(arena_sub, child_of_a_child_of_a_buffer) {
  alignas(16) std::byte buffer[4000];
  arena parent({.kind = backing::fixed, .buffer = buffer});
  arena child = parent.sub({.growth = {.first = 600}});
  arena grandchild = child.sub({.growth = {.first = 600}});
  int pushed = 0;
  while (grandchild.push(50) != nullptr) ++pushed;
  EXPECT_GT(pushed, 20);
  EXPECT_EQ(grandchild.allocate({5000, 1}).reason(), status::not_enough_memory);
  grandchild.free_all();
  int again = 0;
  while (grandchild.push(50) != nullptr) ++again;
  EXPECT_EQ(again, pushed);  // a parent that frees nothing alone gets nothing back
}

TEST(arena_sub, parent_that_ends_first_is_a_fault_and_leaves_the_memory) {
  fault_log faults;
  alignas(arena) std::byte room[sizeof(arena)];
  auto* const parent = ::new (room) arena;
  arena child = parent->sub();
  auto* const bytes = static_cast<std::byte*>(child.push(100));
  parent->~arena();
  EXPECT_TRUE(faults.took(fault_kind::still_in_use, parent));
  bytes[0] = std::byte{1};
  EXPECT_NE(child.push(200'000), nullptr);
}

TEST(arena_sub, child_in_the_middle_that_ends_first_leaves_its_memory_protected) {
  fault_log faults;
  arena top;
  alignas(arena) std::byte room[sizeof(arena)];
  auto* const middle = ::new (room) arena(top.sub());
  {
    arena child = middle->sub();
    auto* const bytes = static_cast<std::byte*>(child.push(100));
    middle->~arena();
    EXPECT_TRUE(faults.took(fault_kind::still_in_use, middle));
    std::memset(room, 0xdd, sizeof(room));
    top.clear();
    EXPECT_TRUE(faults.took(fault_kind::still_in_use, &top));
    bytes[0] = std::byte{1};
    EXPECT_NE(child.push(200'000), nullptr);
    EXPECT_EQ(child.upstream(), &top);
  }
  top.clear();
  EXPECT_EQ(faults.count(), 0u);
  EXPECT_TRUE(top.check_invariants());
}

TEST(arena_sub, hosted_parent_that_ends_first_leaves_its_memory_too) {
  fault_log faults;
  hosted_arena* const parent = hosted_arena::create({.reserve = 1_MiB});
  ASSERT_NE(parent, nullptr);
  arena child = parent->sub();
  auto* const bytes = static_cast<std::byte*>(child.push(100));
  hosted_arena::destroy(parent);
  EXPECT_TRUE(faults.took(fault_kind::still_in_use, parent));
  bytes[0] = std::byte{1};
}

// --- adoption ------------------------------------------------------------------------------------

TEST(arena_adopt, takes_blocks_and_objects_over) {
  std::vector<int> ended;
  alignas(16) std::byte buffer[2000];
  const arena_options all[] = {
      {.reserve = 1_MiB},
      small_chunks,
      {.kind = backing::fixed, .buffer = buffer},
      {.kind = backing::inline_then_chained, .buffer = buffer},
  };
  for (const arena_options& to_options : {all[0], all[1]}) {
    for (const arena_options& from_options : all) {
      ended.clear();
      arena to(to_options);
      arena from(from_options);
      (void)to.own<witness>(ended, 0);
      const mark place = to.here();
      std::vector<void*> blocks;
      for (int i = 1; i < 10; ++i) {
        (void)from.own<witness>(ended, i);
        blocks.push_back(from.push(150));
        ASSERT_NE(blocks.back(), nullptr);
        test::fill_pattern(blocks.back(), 150, static_cast<std::uint64_t>(i));
      }
      const std::size_t size = from.pos();
      ASSERT_EQ(to.adopt(from), status::success);
      EXPECT_EQ(from.pos(), 0u);
      EXPECT_GE(to.pos(), place.position + size);
      EXPECT_TRUE(to.check_invariants() && from.check_invariants());
      (void)to.own<witness>(ended, 10);
      EXPECT_EQ(from.push(10) != nullptr, from_options.kind != backing::fixed);
      for (std::size_t i = 0; i < blocks.size(); ++i)
        EXPECT_TRUE(to.owns(blocks[i]) && test::has_pattern(blocks[i], 150, i + 1));
      to.pop_to(place.position + size / 2);
      EXPECT_TRUE(to.check_invariants());
      to.rewind(place);
      EXPECT_TRUE(to.check_invariants());
      ASSERT_EQ(ended.size(), 10u);
      for (int i = 0; i < 10; ++i) EXPECT_EQ(ended[static_cast<std::size_t>(i)], 10 - i);
    }
  }
}

TEST(arena_adopt, refuses_what_cannot_be_had) {
  arena to({.limit = 1000});
  arena from;
  (void)from.push(2000);
  EXPECT_EQ(to.adopt(from), status::over_budget);
  EXPECT_EQ(to.pos(), 0u);
  EXPECT_EQ(from.pos(), 2000u);
  arena parent;
  arena child = parent.sub();
  (void)child.push(1);
  EXPECT_EQ(from.adopt(child), status::unsupported);
  EXPECT_EQ(from.adopt(parent), status::unsupported);
  EXPECT_EQ(from.adopt(from), status::success);
  EXPECT_EQ(from.pos(), 2000u);
}

}  // namespace
}  // namespace ashlar
