// SPDX-License-Identifier: MIT
// Sites: one number for each stack, place and tag, in all threads.
#include "ashlar/observe/table/site_table.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <source_location>
#include <thread>
#include <vector>

#include "ashlar/os/fault_injection.hpp"

namespace ashlar::observe {
namespace {

class site_table_test : public ::testing::Test {
 protected:
  site_table_test() { EXPECT_TRUE(table_->start()); }
  ~site_table_test() override { table_->release(); }

  site_id of(std::vector<std::uintptr_t> frames, tag_id tag = 0) {
    return table_->intern({.frames = frames.data(),
                           .frame_count = static_cast<std::uint32_t>(frames.size()),
                           .tag = tag});
  }

  std::unique_ptr<site_table> table_ = std::make_unique<site_table>();
};

TEST_F(site_table_test, gives_equal_stacks_one_number_and_others_others) {
  const site_id a = of({1, 2, 3});
  EXPECT_GT(a, site_table::overflow);
  EXPECT_EQ(of({1, 2, 3}), a);
  EXPECT_NE(of({1, 2}), a);
  EXPECT_NE(of({3, 2, 1}), a);
  EXPECT_NE(of({1, 2, 3}, 7), a);
  EXPECT_EQ(table_->tag_of(of({1, 2, 3}, 7)), 7);
  EXPECT_EQ(table_->size(), 7u);  // each tag has a site for what comes too late
}

TEST_F(site_table_test, remembers_what_a_number_stands_for) {
  site_key key{.tag = 3};
  const std::source_location here = std::source_location::current();
  key.set_place(here);
  const site_id placed = table_->intern(key);
  EXPECT_EQ(table_->intern(key), placed);
  EXPECT_EQ(table_->key_of(placed).line, here.line());
  EXPECT_STREQ(table_->key_of(placed).file, here.file_name());
  EXPECT_EQ(table_->key_of(placed).frame_count, 0u);
  const site_key stack = table_->key_of(of({9, 8}));
  ASSERT_EQ(stack.frame_count, 2u);
  EXPECT_EQ(stack.frames[0], 9u);
  EXPECT_EQ(stack.frames[1], 8u);
}

TEST_F(site_table_test, knows_nothing_of_numbers_that_were_never_handed_out) {
  EXPECT_EQ(table_->key_of(12345).frame_count, 0u);
  EXPECT_EQ(table_->key_of(12345).file, nullptr);
}

TEST_F(site_table_test, says_once_for_each_site_that_it_was_not_told) {
  const site_id a = of({1});
  const site_id b = of({2});
  EXPECT_TRUE(table_->mark_told(a));
  EXPECT_FALSE(table_->mark_told(a));
  EXPECT_TRUE(table_->mark_told(b));
}

TEST_F(site_table_test, gives_threads_that_meet_the_same_stacks_the_same_numbers) {
  constexpr std::size_t thread_count = 4;
  constexpr std::size_t stacks = 2000;
  std::vector<std::vector<site_id>> found(thread_count);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < thread_count; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t i = 0; i < stacks; ++i) found[t].push_back(of({i, i * 7, 42}));
    });
  }
  for (std::thread& t : threads) t.join();
  for (const auto& one : found) EXPECT_EQ(one, found[0]);
  EXPECT_EQ(table_->size(), 2 + stacks);
}

// More sites than the first two tables hold, met by several threads while they move on.
TEST_F(site_table_test, keeps_every_number_while_its_tables_grow) {
  constexpr std::size_t stacks = 120'000;
  const std::size_t small = table_->committed();
  std::vector<std::vector<site_id>> found(3, std::vector<site_id>(stacks));
  std::vector<std::thread> threads;
  for (auto& mine : found)
    threads.emplace_back([&] {
      for (std::size_t i = 0; i < stacks; ++i) mine[i] = of({i + 1, i * 31});
    });
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(found[0], found[1]);
  EXPECT_EQ(found[0], found[2]);
  EXPECT_EQ(table_->size(), 2 + stacks);
  for (std::size_t i = 0; i < stacks; i += 997) EXPECT_EQ(of({i + 1, i * 31}), found[0][i]);
  EXPECT_LT(small, 256U << 10);
  EXPECT_GT(table_->committed(), 4U << 20);
}

// A tag's blocks count to it, and to its budget, whatever else is no longer known of them.
TEST_F(site_table_test, keeps_the_tag_of_stacks_that_come_too_late) {
  const site_id known = of({1});
  std::uintptr_t frame = 1;
  while (of({++frame}) != site_table::overflow) ASSERT_LT(frame, site_table::limit);
  EXPECT_EQ(of({1}), known);
  EXPECT_EQ(table_->size(), site_table::capacity);
  for (tag_id tag = 1; tag < most_tags; ++tag) {
    const site_id late = of({frame, tag}, tag);
    ASSERT_EQ(table_->tag_of(late), tag);
    ASSERT_EQ(table_->key_of(late).frame_count, 0u);
    ASSERT_EQ(of({tag, frame}, tag), late);
  }
  EXPECT_LT(table_->size(), site_table::limit);
}

// Tags that came before memory ran out, and some that come later.
TEST_F(site_table_test, keeps_tags_without_memory) {
  const site_id early = of({1}, 1);
  os::fail_nth_call(1, 1);
  std::uintptr_t frame = 1;
  while (table_->key_of(of({++frame}, 1)).frame_count != 0) ASSERT_LT(frame, site_table::limit);
  EXPECT_EQ(of({1}, 1), early);
  EXPECT_EQ(table_->tag_of(of({++frame}, 1)), 1);
  for (tag_id tag = 2; tag < 200; ++tag) ASSERT_EQ(table_->tag_of(of({frame}, tag)), tag);
  for (tag_id tag = 200; tag < most_tags; ++tag) (void)of({frame}, tag);
  EXPECT_EQ(of({frame}, most_tags - 1), site_table::overflow);
  EXPECT_EQ(of({1}, 1), early);
  os::fail_nth_call(0, 0);
  const site_id again = of({++frame}, 1);
  EXPECT_EQ(table_->key_of(again).frame_count, 1u) << "memory is back";
}

}  // namespace
}  // namespace ashlar::observe
