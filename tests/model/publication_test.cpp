// SPDX-License-Identifier: MIT
// Explores how counts of tags are published (publication_protocol.hpp): nothing goes wrong in any
// interleaving of the protocol as it is, and something does with any of the mistakes in it.
#include <gtest/gtest.h>

#include "model/publication_protocol.hpp"

namespace ashlar::test {
namespace {

using namespace publication;

exploration explore(mistake wrong) {
  return explorer<world, protocol, decltype(&problem_in)>(actor_count, protocol(wrong), problem_in)
      .run(world{});
}

TEST(publication, is_right_in_all_interleavings) {
  const exploration e = explore(mistake::none);
  EXPECT_EQ(e.problem, "");
  EXPECT_GT(e.worlds, 5000u) << "the model has shrunk to nothing";
}

TEST(publication, that_looks_at_the_sum_once_is_found_to_be_wrong) {
  EXPECT_NE(explore(mistake::looked_once).problem, "");
}

TEST(publication, that_stores_blindly_is_found_to_be_wrong) {
  EXPECT_NE(explore(mistake::stored_blindly).problem, "");
}

TEST(publication, before_the_tag_is_bound_is_found_to_be_wrong) {
  EXPECT_NE(explore(mistake::bound_too_late).problem, "");
}

}  // namespace
}  // namespace ashlar::test
