// SPDX-License-Identifier: MIT
// Explores the hand-over of slabs (handover_protocol.hpp): nothing goes wrong in any interleaving
// of the protocol as it is, and something does with any of the mistakes in it.
#include <gtest/gtest.h>

#include "model/handover_protocol.hpp"

namespace ashlar::test {
namespace {

using namespace handover;

exploration explore(mistake wrong, bool gives_last = false, bool shares = false) {
  return explorer<world, protocol, decltype(&problem_in)>(
             actor_count, protocol(wrong, gives_last, shares), problem_in)
      .run(first_world());
}

TEST(handover, keeps_all_blocks_in_all_interleavings) {
  const exploration e = explore(mistake::none);
  EXPECT_EQ(e.problem, "");
  EXPECT_GT(e.worlds, 10'000u) << "the model has shrunk to nothing";
}

TEST(handover, keeps_all_blocks_of_medium_slabs_too) {
  EXPECT_EQ(explore(mistake::none, true).problem, "");
}

TEST(handover, keeps_all_blocks_where_running_threads_share_slabs) {
  for (const bool gives_last : {false, true}) {
    const exploration e = explore(mistake::none, gives_last, true);
    EXPECT_EQ(e.problem, "");
    EXPECT_GT(e.worlds, 10'000u) << "the model has shrunk to nothing";
  }
}

TEST(handover, mistakes_are_found_where_running_threads_share_slabs_too) {
  for (const mistake wrong : {mistake::unlinked_in_transit, mistake::no_second_look,
                              mistake::given_away_unlocked, mistake::last_slab_given_back})
    EXPECT_NE(explore(wrong, false, true).problem, "") << static_cast<int>(wrong);
}

TEST(handover, a_slab_in_transit_that_can_be_linked_is_found_to_be_wrong) {
  EXPECT_NE(explore(mistake::unlinked_in_transit).problem, "");
}

TEST(handover, a_missing_second_look_is_found_to_be_wrong) {
  EXPECT_NE(explore(mistake::no_second_look).problem, "");
}

TEST(handover, giving_away_without_the_lock_is_found_to_be_wrong) {
  EXPECT_NE(explore(mistake::given_away_unlocked).problem, "");
}

TEST(handover, giving_the_last_slab_back_in_transit_is_found_to_be_wrong) {
  EXPECT_NE(explore(mistake::last_slab_given_back).problem, "");
}

TEST(interleavings, of_two_counters_without_a_lock_lose_an_update) {
  struct counters {
    int shared = 0;
    std::array<int, 2> copy = {};
    std::array<int, 2> at = {};
    auto operator<=>(const counters&) const = default;
  };
  const auto step = [](counters& c, std::size_t actor) {
    if (c.at[actor] == 2) return step_result::done;
    if (c.at[actor]++ == 0)
      c.copy[actor] = c.shared;
    else
      c.shared = c.copy[actor] + 1;
    return step_result::moved;
  };
  const auto problem = [](const counters& c, bool at_end) {
    return std::string(at_end && c.shared != 2 ? "lost" : "");
  };
  const exploration e =
      explorer<counters, decltype(step), decltype(problem)>(2, step, problem).run({});
  EXPECT_EQ(e.problem, "lost");
  EXPECT_EQ(e.steps.size(), 4u);
}

TEST(interleavings, of_two_locks_in_opposite_order_deadlock) {
  struct locks {
    std::array<int, 2> owner = {-1, -1};
    std::array<int, 2> at = {};
    auto operator<=>(const locks&) const = default;
  };
  const auto step = [](locks& l, std::size_t actor) {
    const auto self = static_cast<int>(actor);
    if (l.at[actor] == 3) return step_result::done;
    if (l.at[actor] == 2) {
      l.owner = {l.owner[0] == self ? -1 : l.owner[0], l.owner[1] == self ? -1 : l.owner[1]};
    } else {
      int& wanted = l.owner[static_cast<std::size_t>(l.at[actor] ^ self)];
      if (wanted != -1) return step_result::blocked;
      wanted = self;
    }
    ++l.at[actor];
    return step_result::moved;
  };
  const auto problem = [](const locks&, bool) { return std::string(); };
  EXPECT_EQ((explorer<locks, decltype(step), decltype(problem)>(2, step, problem).run({}).problem),
            "deadlock");
}

}  // namespace
}  // namespace ashlar::test
