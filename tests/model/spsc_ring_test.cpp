// SPDX-License-Identifier: MIT
// Explores the protocol of spsc_ring (spsc_protocol.hpp): nothing goes wrong in any interleaving of
// it as it is, and something does with any of the mistakes in it.
#include <gtest/gtest.h>

#include "model/spsc_protocol.hpp"

namespace ashlar::test {
namespace {

using namespace spsc;

exploration explore(mistake wrong, std::uint8_t at_once = 1) {
  return explorer<world, protocol, decltype(&problem_in)>(actor_count, protocol(wrong, at_once),
                                                          problem_in)
      .run(first_world());
}

TEST(spsc_protocol, hands_over_all_elements_in_all_interleavings) {
  const exploration e = explore(mistake::none);
  EXPECT_EQ(e.problem, "");
  EXPECT_GT(e.worlds, 1'000u) << "the model has shrunk to nothing";
}

TEST(spsc_protocol, hands_over_several_at_once_in_all_interleavings) {
  const exploration e = explore(mistake::none, 2);
  EXPECT_EQ(e.problem, "");
  EXPECT_GT(e.worlds, 300u);
}

constexpr const char* taken_wrongly = "another element was taken than was due";
constexpr const char* overwritten = "an element was overwritten before it was taken";

TEST(spsc_protocol, a_tail_that_is_not_released_is_found_to_be_wrong) {
  EXPECT_EQ(explore(mistake::tail_not_released).problem, taken_wrongly);
}

TEST(spsc_protocol, a_head_that_is_not_released_is_found_to_be_wrong) {
  EXPECT_EQ(explore(mistake::head_not_released).problem, overwritten);
}

TEST(spsc_protocol, a_tail_written_before_the_element_is_found_to_be_wrong) {
  EXPECT_EQ(explore(mistake::tail_before_place).problem, taken_wrongly);
}

TEST(spsc_protocol, reading_a_place_before_the_tail_is_found_to_be_wrong) {
  EXPECT_EQ(explore(mistake::early_read).problem, taken_wrongly);
}

TEST(spsc_protocol, writing_a_place_before_the_head_is_read_is_found_to_be_wrong) {
  EXPECT_EQ(explore(mistake::early_write).problem, overwritten);
}

TEST(spsc_protocol, one_element_too_many_is_found_to_be_wrong) {
  EXPECT_EQ(explore(mistake::one_too_many).problem, overwritten);
}

TEST(spsc_protocol, a_copy_that_is_never_renewed_is_found_to_deadlock) {
  EXPECT_EQ(explore(mistake::never_looks_again).problem, "deadlock");
}

TEST(spsc_protocol, comparing_counters_by_order_is_found_to_be_wrong) {
  EXPECT_EQ(explore(mistake::compares_by_order).problem, overwritten);
}

}  // namespace
}  // namespace ashlar::test
