// SPDX-License-Identifier: MIT
// A walk that takes over what it has in common with the last one finds what a whole one finds. The
// code here keeps no frame pointers.
#include <random>

#include "two_walks.hpp"

namespace {

using namespace ashlar;
using namespace ashlar::walking;

// Frames of many sizes at places that were others' before: what a memory of walks must see through.
struct wanderer {
  std::mt19937 random{4711};
  int left = 3000;  // calls
  int deepest = 0;
};

CHAIN void wander(wanderer& w, int depth);

CHAIN void wander_far(wanderer& w, int depth) {
  char frame[88];
  touch(frame);
  wander(w, depth);
  stay();
}

CHAIN void wander_variably(wanderer& w, int depth) {
  touch(alloca(16 + w.random() % 4 * 16));
  wander(w, depth);
  stay();
}

CHAIN void wander(wanderer& w, int depth) {
  for (int i = 0; i < 3 && w.left > 0; ++i) {
    --w.left;
    const auto way = depth == w.deepest ? 0 : w.random() % 4;
    if (way == 0) look();
    if (way == 1) wander(w, depth + 1);
    if (way == 2) wander_far(w, depth + 1);
    if (way == 3) wander_variably(w, depth + 1);
    if (last.again != last.ours) w.left = 0;
  }
}

TEST(last_walk, takes_over_from_the_last_one_what_is_the_same_and_nothing_else) {
  for (const int deepest : {3, 7, 20, 100}) {
    wanderer w;
    w.deepest = deepest;
    while (w.left > 0) wander(w, 0);
    ASSERT_EQ(last.again, last.ours);
  }
}

struct unknown_wanderer : wanderer {
  unknown_code code;
} * unknown;
CHAIN void wander_unknown() {
  unknown_wanderer& w = *unknown;
  ++w.deepest;
  for (int i = 0; i < 3 && w.left > 0; ++i) {
    --w.left;
    if (w.deepest > 7 || w.random() % 4 == 0)
      look();
    else
      w.code.call(wander_unknown, w.random() % 4 * 16);
    if (last.again != last.ours) w.left = 0;
  }
  --w.deepest;
}

// Each step out of such code goes by the frame pointer, and none of them may be repeated blindly.
TEST(last_walk, takes_over_through_many_functions_without_tables) {
  unknown_wanderer w;
  unknown = &w;
  w.random.seed(42);
  while (w.left > 0) w.code.call(wander_unknown, 16);
  EXPECT_EQ(last.again, last.ours);
}

// The same place and code, and what lies on the stack is the same: but not the frame pointer.
TEST(last_walk, takes_nothing_over_where_the_frame_pointer_is_another) {
  variable_frame(16);
  const std::uintptr_t other = last.ours[0];
  const std::uintptr_t by_frame_pointer = last.ours[3];
  std::uintptr_t words[32] = {};
  words[9] = words[17] = by_frame_pointer;
  words[25] = other;
  words[8] = address_of(&words[24]);
  os::stack_bounds bounds = {address_of(words), address_of(words + 32)};
  const auto second_frame = [&](std::size_t frame) {
    std::uintptr_t frames[2] = {};
    const observe::caller from = {at_address(by_frame_pointer), &words[frame], words};
    EXPECT_EQ(walk_again(from, bounds, frames, 2), 2u);
    return frames[1];
  };
  EXPECT_EQ(second_frame(8), by_frame_pointer);
  EXPECT_EQ(second_frame(24), other);
  EXPECT_EQ(second_frame(8), by_frame_pointer);
  words[9] = other;
  EXPECT_EQ(second_frame(8), other);
}

TEST(last_walk, takes_over_no_more_than_is_asked_for) {
  recurse(10);
  std::uintptr_t frames[most];
  os::stack_bounds bounds;
  const observe::caller here = observe::caller_of_this();
  const std::uint32_t whole = walk_again(here, bounds, frames, most);
  ASSERT_GT(whole, 4u);
  for (const std::uint32_t depth : {3u, 4u, 1u, 2u, 4u, most})
    EXPECT_EQ(walk_again(here, bounds, frames, depth), std::min(depth, whole));
}

}  // namespace
