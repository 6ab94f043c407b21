// SPDX-License-Identifier: MIT
// Seeded random walks through everything that a heap can do, checked against the model.
//
// A walk that fails, by a difference or by a crash, is run again in children with steps left out,
// until what is left is small enough to be read. ASHLAR_TEST_SEED=n runs that one seed.
#include <gtest/gtest.h>

#include <cstdlib>

#include "model/heap_actions.hpp"
#include "model/shrink.hpp"
#include "support/child.hpp"
#include "support/random.hpp"
#include "support/scale.hpp"
#include "support/unwatched.hpp"

namespace ashlar::test {
namespace {

// Long enough for slabs to fill and empty; a list this long runs in some ten milliseconds.
constexpr std::size_t walk_length = 2000;

std::vector<action> make_walk(std::uint64_t seed) {
  random_source random(seed);
  std::vector<std::uint8_t> bytes(walk_length * 8);
  for (std::uint8_t& b : bytes) b = static_cast<std::uint8_t>(random.next() >> 32);
  byte_reader reader(bytes.data(), bytes.size());
  std::vector<action> actions;
  while (actions.size() < walk_length && !reader.at_end()) actions.push_back(read_action(reader));
  return actions;
}

bool fails_in_child(const std::vector<action>& actions, ground where) {
  return !ended_well(run_in_child([&] {
    if (!run_actions(actions, where).empty()) ::_exit(3);
  }));
}

void expect_walks_to_be_well(ground where, std::uint64_t first_seed, std::uint64_t count) {
  if (const char* const chosen = std::getenv("ASHLAR_TEST_SEED")) {
    first_seed = std::strtoull(chosen, nullptr, 0);
    count = 1;
  }
  for (std::uint64_t seed = first_seed; seed < first_seed + count; ++seed) {
    const std::vector<action> walk = make_walk(seed);
    if (!fails_in_child(walk, where)) continue;
    const std::vector<action> least = shrink(
        walk, [where](const std::vector<action>& some) { return fails_in_child(some, where); },
        300);
    ADD_FAILURE() << "seed " << seed << " fails with these " << least.size() << " actions:\n"
                  << to_text(least);
    // Last, for it may be a crash.
    FAIL() << run_actions(least, where);
  }
}

// Under a tool a heap has no bins; these are about heaps that have.
class random_walk : public testing::Test {
  const unwatched no_tool_;
};

TEST_F(random_walk, on_the_os) { expect_walks_to_be_well(ground::os, 1000, scaled(100)); }

TEST_F(random_walk, with_cache_line_alignment) {
  expect_walks_to_be_well(ground::cache_lines, 2000, scaled(40));
}

TEST_F(random_walk, on_a_user_block) {
  expect_walks_to_be_well(ground::user_block, 3000, scaled(60));
}

TEST_F(random_walk, on_a_user_interface) {
  expect_walks_to_be_well(ground::user_interface, 4000, scaled(60));
}

TEST(random_walk_of_a_told_heap, on_the_os) {
  const watched by_a_tool;
  expect_walks_to_be_well(ground::os, 5000, scaled(30));
}

TEST(random_walk_of_a_told_heap, on_a_user_block) {
  const watched by_a_tool;
  expect_walks_to_be_well(ground::user_block, 6000, scaled(30));
}

TEST(random_walk_of_a_told_heap, on_a_user_interface) {
  const watched by_a_tool;
  expect_walks_to_be_well(ground::user_interface, 7000, scaled(30));
}

TEST(shrink, finds_the_steps_that_matter) {
  std::vector<int> steps(500);
  for (int i = 0; i < 500; ++i) steps[static_cast<std::size_t>(i)] = i;
  // Fails when 17 comes before 300, and 444 is there.
  const auto fails = [](const std::vector<int>& some) {
    bool seen_17 = false;
    bool seen_300 = false;
    bool seen_444 = false;
    for (const int s : some) {
      seen_17 |= s == 17;
      seen_300 |= s == 300 && seen_17;
      seen_444 |= s == 444;
    }
    return seen_300 && seen_444;
  };
  EXPECT_EQ(shrink(steps, fails), (std::vector<int>{17, 300, 444}));
}

TEST(shrink, stops_when_its_attempts_are_spent) {
  std::size_t runs = 0;
  const std::vector<int> least = shrink(
      std::vector<int>(100),
      [&runs](const std::vector<int>& some) {
        ++runs;
        return some.size() > 90;
      },
      20);
  EXPECT_LE(runs, 20u);
  EXPECT_GT(least.size(), 90u);
}

TEST(action, of_every_kind_can_be_read_and_printed) {
  std::vector<bool> seen(std::variant_size_v<action>);
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    for (const action& a : make_walk(seed)) {
      seen[a.index()] = true;
      EXPECT_FALSE(to_text(a).empty());
    }
  }
  for (std::size_t i = 0; i < seen.size(); ++i) EXPECT_TRUE(seen[i]) << "kind " << i;
}

}  // namespace
}  // namespace ashlar::test
