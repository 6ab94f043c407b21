// SPDX-License-Identifier: MIT
// Explores how threads share an arena (shared_arena_protocol.hpp): nothing goes wrong in any
// interleaving of the protocol as it is, and something does with any of the mistakes in it.
#include <gtest/gtest.h>

#include "model/shared_arena_protocol.hpp"

namespace ashlar::test {
namespace {

using namespace sharing;

exploration explore(mistake wrong) {
  return explorer<world, protocol, decltype(&problem_in)>(actor_count, protocol(wrong), problem_in)
      .run(first_world());
}

TEST(sharing, keeps_all_blocks_in_all_interleavings) {
  const exploration e = explore(mistake::none);
  EXPECT_EQ(e.problem, "");
  EXPECT_GT(e.worlds, 10'000u) << "the model has shrunk to nothing";
}

TEST(sharing, clearing_without_the_lock_is_found_to_be_wrong) {
  EXPECT_NE(explore(mistake::cleared_without_lock).problem, "");
}

TEST(sharing, telling_the_epoch_late_is_found_to_be_wrong) {
  EXPECT_NE(explore(mistake::epoch_told_late).problem, "");
}

TEST(sharing, sharing_a_slot_is_found_to_be_wrong) {
  EXPECT_NE(explore(mistake::slot_shared).problem, "");
}

TEST(sharing, pushing_onto_a_stale_run_is_found_to_be_wrong) {
  EXPECT_NE(explore(mistake::stale_run_pushed_onto).problem, "");
}

}  // namespace
}  // namespace ashlar::test
