// SPDX-License-Identifier: MIT
#include "ashlar/scratch.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <thread>

#include "ashlar/arena.hpp"
#include "ashlar/base/units.hpp"
#include "ashlar/frame.hpp"
#include "ashlar/scoped.hpp"
#include "support/fake_os.hpp"
#include "support/fault_log.hpp"

namespace ashlar {
namespace {

TEST(scratch_scope, ends_what_was_pushed_in_it) {
  const void* first = nullptr;
  {
    scratch_scope scratch;
    first = scratch->push(100);
  }
  scratch_scope scratch;
  EXPECT_EQ(scratch->push(100), first);
}

TEST(scratch_scope, may_be_cleared) {
  scratch_scope outer;
  outer->clear();
  std::memset(outer->push(4096), 0xff, 4096);
  scratch_scope inner(outer);
  EXPECT_NE(&*inner, &*outer);
  EXPECT_NE(inner->push(10), nullptr);
}

TEST(scratch_scope, never_takes_an_arena_in_use) {
  arena mine;
  scratch_scope one(mine);
  scratch_scope two(one);
  scratch_scope three(mine, one, two);
  scratch_scope four(*one, *two, *three);
  std::set<const arena*> all = {&*one, &*two, &*three, &*four};
  EXPECT_EQ(all.size(), 4u);
  EXPECT_EQ(all.count(&mine), 0u);
  scratch_scope again(two);
  EXPECT_EQ(&*again, &*one);
}

TEST(scratch_scope, never_takes_an_arena_that_one_in_use_stands_on) {
  scratch_scope one;
  arena child = one->sub();
  scoped_manager scope(child);
  scratch_scope two(scope);
  EXPECT_NE(&*two, &*one);
  EXPECT_NE(two->push(10), nullptr);
}

// What a function returns in its caller's scratch memory is there after its own scope.
char* make_in(arena& out) {
  scratch_scope scratch(out);
  (void)scratch->push(1000);
  char* const result = out.push<char>(10);
  result[0] = 'x';
  (void)scratch->push(1000);
  return result;
}

TEST(scratch_scope, a_result_outlives_the_scope_of_who_made_it) {
  scratch_scope outer;
  char* const result = make_in(*outer);
  (void)outer->push(5000);
  EXPECT_EQ(result[0], 'x');
}

TEST(scratch_scope, memory_goes_back_when_the_thread_ends) {
  const std::size_t reserved = os::current_counters().reserved;
  std::thread([reserved] {
    scratch_scope one;
    scratch_scope two(one);
    EXPECT_NE(one->push(1_MiB), nullptr);
    EXPECT_NE(two->push(1_MiB), nullptr);
    EXPECT_GT(os::current_counters().reserved, reserved);
  }).join();
  EXPECT_EQ(os::current_counters().reserved, reserved);
}

TEST(scratch_scope, pushes_fail_where_no_arena_can_be_made) {
  std::thread([] {
    test::fake_os os;
    os.refuse_all(test::call_kind::map);
    scratch_scope scratch;
    EXPECT_EQ(scratch->push(1), nullptr);
    EXPECT_EQ(scratch->allocate({1, 1}).would_fit(), 0u);
    scratch_scope other(scratch);
    EXPECT_EQ(other->push(1), nullptr);
  }).join();
}

TEST(frame_arena, keeps_a_block_for_as_many_frames_as_it_has) {
  frame_arena<3> frames({.kind = backing::chained});
  std::byte* pushed[3] = {};
  for (unsigned frame = 0; frame < 20; ++frame) {
    frames.next_frame();
    if (frame >= 3) {
      EXPECT_EQ(frames.now().pos(), 0u);
    }
    pushed[frame % 3] = static_cast<std::byte*>(frames.now().push(100));
    pushed[frame % 3][0] = static_cast<std::byte>(frame);
    for (unsigned back = 0; back < 3 && back <= frame; ++back) {
      EXPECT_TRUE(frames.ago(back).owns(pushed[(frame - back) % 3]));
      EXPECT_EQ(pushed[(frame - back) % 3][0], static_cast<std::byte>(frame - back));
    }
  }
}

TEST(frame_arena, notices_that_a_frame_has_ended) {
  test::fault_log faults;
  frame_arena<2> frames({.kind = backing::chained});
  EXPECT_NE(&frames.ago(1), &frames.now());
  EXPECT_EQ(faults.count(), 0u);
  EXPECT_EQ(&frames.ago(2), &frames.ago(1));
  EXPECT_TRUE(faults.took(fault_kind::stale_mark, &frames));
}

TEST(frame_arena, divides_a_buffer) {
  alignas(64) std::byte buffer[2010];
  frame_arena<2> frames({.kind = backing::fixed, .buffer = buffer});
  EXPECT_NE(frames.now().push(992), nullptr);
  EXPECT_EQ(frames.now().push(1), nullptr);
  frames.next_frame();
  EXPECT_NE(frames.now().push(992), nullptr);
}

}  // namespace
}  // namespace ashlar
