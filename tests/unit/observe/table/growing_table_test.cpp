// SPDX-License-Identifier: MIT
// Tables that only grow: entries are zero, stay where they are, and end at the limit.
#include "ashlar/observe/table/growing_table.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

namespace ashlar::observe {
namespace {

struct entry {
  std::uint64_t words[4];
};

TEST(growing_table, gives_zero_entries_that_never_move) {
  growing_table<entry, 100'000> table;
  EXPECT_EQ(table.committed(), 0u);
  ASSERT_TRUE(table.ensure(1));
  entry* const first = &table[0];
  first->words[0] = 7;
  ASSERT_TRUE(table.ensure(50'000));
  EXPECT_EQ(&table[0], first);
  EXPECT_EQ(first->words[0], 7u);
  for (std::size_t i = 1; i < 50'000; ++i) ASSERT_EQ(table[i].words[i % 4], 0u);
  EXPECT_GE(table.committed(), 50'000 * sizeof(entry));
  table.release();
}

TEST(growing_table, refuses_more_than_it_may_hold) {
  growing_table<entry, 10> table;
  EXPECT_TRUE(table.ensure(10));
  EXPECT_FALSE(table.ensure(11));
  table[9].words[3] = 1;
  table.release();
}

TEST(growing_table, can_be_used_again_after_a_release) {
  growing_table<entry, 100> table;
  ASSERT_TRUE(table.ensure(100));
  table[50].words[0] = 1;
  table.release();
  EXPECT_EQ(table.committed(), 0u);
  ASSERT_TRUE(table.ensure(100));
  EXPECT_EQ(table[50].words[0], 0u);
  table.release();
}

[[noreturn]] void end_with_verdict_under_a_limit() {
  constexpr rlim_t limit = rlim_t{1} << 46;
  const rlimit all{limit, limit};
  const bool set = ::setrlimit(RLIMIT_AS, &all) == 0;
  growing_space large(limit / 64);
  growing_space small(4096);
  const bool fits = large.ensure(1) && small.ensure(1);
  const bool less = large.reserved().size == limit / 256 && small.reserved().size == 4096;
  ::_exit(set && fits && less ? 0 : 1);
}

// In a process of its own, since the limit stays.
TEST(growing_table, has_less_room_where_address_space_is_limited) {
  EXPECT_EXIT(end_with_verdict_under_a_limit(), ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace ashlar::observe
