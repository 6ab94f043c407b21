// SPDX-License-Identifier: MIT
#include "ashlar/observe/table/inner_table.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace ashlar::observe {
namespace {

struct fake_manager {
  const char* kind = "fake";
  const char* name = nullptr;
  std::uint32_t number = 0;

  operator inner_manager() { return {this, kind, name, number}; }
};

class inner_table_test : public testing::Test {
 protected:
  ~inner_table_test() override { table_.release(); }

  static const void* at(std::uintptr_t address) { return at_address(address); }
  site_cell sum(site_id site) const { return table_.sum_of(site); }
  std::uint64_t live(site_id site) const { return sum(site).born_blocks - sum(site).dead_blocks; }

  inner_table table_;
  fake_manager a_;
  fake_manager b_;
};

TEST_F(inner_table_test, counts_births_and_deaths_by_site_and_label) {
  a_.name = "one";
  EXPECT_FALSE(table_.has_blocks());
  ASSERT_TRUE(table_.enter(a_, at(1000), 10, 5));
  ASSERT_TRUE(table_.enter(a_, at(2000), 20, 5));
  ASSERT_TRUE(table_.enter(b_, at(3000), 30, 5));
  ASSERT_TRUE(table_.enter(b_, at(4000), 40, 6));
  EXPECT_EQ(table_.group_end(), 4u);
  EXPECT_EQ(sum(5).born_bytes, 60u);
  EXPECT_EQ(table_.leave(a_, at(1000)).size, 10u);
  EXPECT_EQ(table_.leave(a_, at(1000)).group, 0u) << "once";
  EXPECT_EQ(table_.leave(b_, at(2000)).group, 0u) << "is another's";
  EXPECT_EQ(sum(5).dead_bytes, 10u);
  EXPECT_EQ(sum(6).dead_bytes, 0u);
  EXPECT_EQ(sum(7).born_blocks, 0u);
  const inner_label& label = table_.label(table_.group(1).label);
  EXPECT_STREQ(label.kind, "fake");
  EXPECT_STREQ(label.name, "one");
  EXPECT_TRUE(table_.has_blocks());
}

TEST_F(inner_table_test, ends_what_begins_in_a_range_of_whatever_manager) {
  for (std::uintptr_t i = 0; i < 100; ++i)
    ASSERT_TRUE(table_.enter(i % 2 == 0 ? a_ : b_, at(1000 + i * 10), 10, 1));
  table_.end_between(at(1250), at(1250));
  table_.end_between(at(0), at(1000));
  table_.end_between(at(1995), at(5000));
  EXPECT_EQ(live(1), 100u);
  table_.end_between(at(1250), at(1501));
  EXPECT_EQ(live(1), 74u);
  table_.end_between(at(0), at(5000));
  EXPECT_EQ(live(1), 0u);
  EXPECT_FALSE(table_.has_blocks());
}

TEST_F(inner_table_test, a_new_block_ends_those_of_its_manager_below_it) {
  ASSERT_TRUE(table_.enter(a_, at(1000), 100, 1));
  ASSERT_TRUE(table_.enter(a_, at(1100), 100, 2));
  ASSERT_TRUE(table_.enter(b_, at(1100), 50, 3));
  ASSERT_TRUE(table_.enter(a_, at(1050), 100, 4));
  EXPECT_EQ(live(1), 0u);
  EXPECT_EQ(live(2), 0u);
  EXPECT_EQ(live(3), 1u) << "one manager may stand upon another's block";
  ASSERT_TRUE(table_.enter(a_, at(1150), 0, 5));
  EXPECT_EQ(live(4), 1u);
}

TEST_F(inner_table_test, a_manager_that_ends_takes_its_blocks_along) {
  ASSERT_TRUE(table_.enter(a_, at(1000), 10, 1));
  ASSERT_TRUE(table_.enter(b_, at(2000), 10, 1));
  table_.end_all(a_);
  EXPECT_EQ(live(1), 1u);
  ASSERT_TRUE(table_.enter(a_, at(1000), 10, 1));
  const std::uint32_t number = a_.number;
  table_.close(a_);
  EXPECT_EQ(a_.number, 0u);
  EXPECT_EQ(live(1), 1u);
  fake_manager next;
  ASSERT_TRUE(table_.enter(next, at(1000), 10, 1));
  EXPECT_EQ(next.number, number) << "numbers are used again";
  fake_manager stale;
  stale.number = number;  // its memory was taken over, and it never told
  table_.end_all(stale);
  EXPECT_EQ(live(1), 2u);
}

TEST_F(inner_table_test, a_block_that_left_can_come_back) {
  ASSERT_TRUE(table_.enter(a_, at(1000), 10, 1));
  const inner_facts was = table_.leave(a_, at(1000));
  EXPECT_EQ(live(1), 0u);
  table_.restore(a_, at(1000), was);
  EXPECT_EQ(live(1), 1u);
  EXPECT_EQ(sum(1).dead_bytes, 0u);
  table_.restore(a_, at(2000), {});
  EXPECT_EQ(live(1), 1u);
}

TEST_F(inner_table_test, a_block_that_left_can_be_entered_anew_elsewhere) {
  ASSERT_TRUE(table_.enter(a_, at(1000), 10, 1));
  ASSERT_TRUE(table_.enter(a_, at(2000), 10, 2));
  const inner_facts was = table_.leave(a_, at(1000));
  EXPECT_TRUE(table_.enter_anew(a_, at(1990), 30, was));
  EXPECT_EQ(sum(1).born_bytes, 40u);
  EXPECT_EQ(sum(1).dead_bytes, 10u);
  EXPECT_EQ(live(2), 0u) << "as any new block, it ends those of its manager below it";
  EXPECT_EQ(table_.leave(a_, at(1990)).size, 30u);
  EXPECT_TRUE(table_.enter_anew(a_, at(1990), 30, {}));
  EXPECT_FALSE(table_.has_blocks()) << "nobody knew it";
}

TEST_F(inner_table_test, ends_take_no_lock_while_nothing_lives) {
  ASSERT_TRUE(table_.enter(a_, at(1000), 10, 1));
  table_.end_all(a_);
  ASSERT_NE(a_.number, 0u);
  std::atomic<bool> is_done{false};
  std::thread other;
  {
    lock_guard guard(table_.mutex());
    other = std::thread([&] {
      (void)table_.leave(a_, at(1000));
      table_.end_all(a_);
      is_done = true;
    });
    for (int i = 0; i < 5000 && !is_done; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_TRUE(is_done);
  }
  other.join();
}

TEST_F(inner_table_test, counts_what_finds_no_room) {
  std::vector<fake_manager> all(inner_table::most_managers + 2);
  std::uint64_t entered = 0;
  for (fake_manager& m : all) entered += table_.enter(m, &m, sizeof m, 1) ? 1 : 0;
  EXPECT_EQ(entered, inner_table::most_managers - 1) << "0 is no number";
  EXPECT_EQ(table_.lost(), 3u);
  EXPECT_EQ(live(1), entered);
}

TEST_F(inner_table_test, lists_blocks_in_parts) {
  for (std::uintptr_t i = 0; i < 10; ++i) ASSERT_TRUE(table_.enter(a_, at(1000 - i * 16), 16, 1));
  ASSERT_TRUE(table_.enter(b_, at(1000), 16, 1));
  inner_block some[4];
  inner_block last = {};
  std::size_t seen = 0;
  while (const std::size_t count = table_.list(last, some, 4)) {
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_TRUE(address_of(some[i].data) > address_of(last.data) ||
                  some[i].manager > last.manager);
      last = some[i];
    }
    seen += count;
  }
  EXPECT_EQ(seen, 11u);
}

TEST_F(inner_table_test, what_finds_no_label_is_called_others) {
  for (std::uint32_t i = 0; i < inner_table::most_labels + 10; ++i) {
    const std::string name = "manager " + std::to_string(i);
    fake_manager one{.name = name.c_str()};
    ASSERT_TRUE(table_.enter(one, at(1000), 8, 1));
    table_.close(one);
  }
  EXPECT_EQ(table_.label_count(), inner_table::most_labels);
  EXPECT_EQ(table_.group_end(), inner_table::most_labels + 1);
  EXPECT_STREQ(table_.label(0).kind, "others");
  EXPECT_EQ(live(1), 0u);
}

}  // namespace
}  // namespace ashlar::observe
