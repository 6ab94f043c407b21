// SPDX-License-Identifier: MIT
// Arenas in arenas, and arenas that take over what others hold; and the rules.
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "ashlar/arena.hpp"
#include "ashlar/base/units.hpp"
#include "ashlar/manager/arena/hosted_arena.hpp"
#include "support/fault_log.hpp"
#include "support/pattern.hpp"
#include "unit/manager/arena/witness.hpp"

namespace ashlar {
namespace {

using test::fault_log;
using test::witness;

constexpr arena_options small_chunks = {.kind = backing::chained,
                                        .growth = {.first = 1_KiB, .cap = 4_KiB}};

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

TEST(arena_adopt, refuses_an_arena_that_lies_in_what_would_be_adopted) {
  alignas(64) std::byte buffer[8000];
  const arena_options all[] = {
      {.reserve = 1_MiB}, small_chunks, {.kind = backing::fixed, .buffer = buffer}};
  for (const arena_options& options : all) {
    hosted_arena* const from = hosted_arena::create(options);
    ASSERT_NE(from, nullptr);
    (void)from->push(100);
    arena to;
    EXPECT_EQ(to.adopt(*from), status::unsupported);
    EXPECT_EQ(from->pos(), 100u);
    hosted_arena::destroy(from);
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
