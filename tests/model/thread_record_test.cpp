// SPDX-License-Identifier: MIT
// Explores how threads' pools change hands (thread_record_protocol.hpp): nothing goes wrong in any
// interleaving of the protocol as it is, and something does with any of the mistakes in it.
#include <gtest/gtest.h>

#include "model/thread_record_protocol.hpp"

namespace ashlar::test {
namespace {

using namespace records;

exploration explore(mistake wrong) {
  return explorer<world, protocol, decltype(&problem_in)>(actor_count, protocol(wrong), problem_in)
      .run(first_world());
}

TEST(thread_records, keep_all_blocks_in_all_interleavings) {
  const exploration e = explore(mistake::none);
  EXPECT_EQ(e.problem, "");
  EXPECT_GT(e.worlds, 500u) << "the model has shrunk to nothing";
}

TEST(thread_records, with_a_sender_that_does_not_compare_are_found_to_be_wrong) {
  EXPECT_NE(explore(mistake::swapped_blindly).problem, "");
}

TEST(thread_records, with_an_inbox_emptied_in_two_steps_are_found_to_be_wrong) {
  EXPECT_NE(explore(mistake::opened_in_two_steps).problem, "");
}

TEST(thread_records, claimed_while_leaving_are_found_to_be_wrong) {
  EXPECT_NE(explore(mistake::claimed_too_early).problem, "");
}

TEST(thread_records, ended_while_leaving_are_found_to_be_wrong) {
  EXPECT_NE(explore(mistake::ended_too_early).problem, "");
}

TEST(thread_records, idle_before_they_are_retired_are_found_to_be_wrong) {
  EXPECT_NE(explore(mistake::retired_while_idle).problem, "");
}

}  // namespace
}  // namespace ashlar::test
