// SPDX-License-Identifier: MIT
// Budgets of tags: who is told and when, and what is let in, of blocks and of pages.
#include <atomic>
#include <latch>
#include <thread>
#include <vector>

#include "tracker_fixture.hpp"

namespace ashlar::observe {
namespace {

struct calls {
  int count = 0;
  std::size_t live = 0;
  bool was_watched = true;

  static void note(void* context, tag_id, std::size_t live) {
    auto& self = *static_cast<calls*>(context);
    ++self.count;
    self.live = live;
    self.was_watched = process_tracker().watches_this_thread();
  }
};

TEST_F(tracker_test, tells_once_when_a_tag_rises_above_its_soft_budget) {
  const tag_id some = define("soft");
  calls told;
  t.set_budget(some, {.soft = 100, .context = &told, .exceeded = calls::note});
  t.set_thread_tag(some);
  tracked_block a;
  tracked_block b;
  make(a, 100);
  EXPECT_EQ(told.count, 0);
  make(b, 1);
  EXPECT_EQ(told.count, 1);
  EXPECT_EQ(told.live, 101u);
  EXPECT_FALSE(told.was_watched);
  end(b);
  make(b, 5);
  EXPECT_EQ(told.count, 2);
  end(a);
  end(b);
  t.set_budget(some, {});
}

// Then both the callback and what led to it are counted under one lock.
TEST_F(tracker_test, lets_the_callback_of_a_budget_free_blocks_in_a_thread_that_has_ended) {
  const tag_id some = define("late");
  tracked_block first;
  t.set_budget(some,
               {.soft = 100, .context = &first, .exceeded = [](void* block, tag_id, std::size_t) {
                  process_tracker().note_death(static_cast<tracked_block*>(block)->record, block);
                }});
  std::thread([&] {
    this_thread().ended = true;
    t.set_thread_tag(some);
    make(first, 60);
    tracked_block second;
    make(second, 61);
    EXPECT_FALSE(first.record.is_live());
    EXPECT_EQ(t.live_of(some), 61);
    end(second);
  }).join();
  EXPECT_EQ(t.live_of(some), 0);
  t.set_budget(some, {});
}

TEST_F(tracker_test, admits_up_to_the_hard_budget_and_no_more) {
  const tag_id some = define("hard");
  calls told;
  t.set_budget(some, {.hard = 100, .context = &told, .exceeded = calls::note});
  t.set_thread_tag(some);
  EXPECT_TRUE(t.admits(100));
  EXPECT_FALSE(t.admits(101));
  EXPECT_EQ(told.count, 1);
  tracked_block a;
  make(a, 60);
  EXPECT_TRUE(t.admits(40));
  EXPECT_FALSE(t.admits(static_cast<std::size_t>(-1)));
  end(a);
  t.set_budget(some, {});
}

// Threads keep what they count to themselves for a while, where there is no budget.
TEST_F(tracker_test, holds_a_budget_against_what_threads_have_counted_before_it_was_set) {
  const tag_id some = define("bound later");
  use({.level = track_level::full, .depth = 0});
  tracked_block kept[4];
  std::latch made(4);
  std::latch asked(1);
  std::vector<std::jthread> threads;
  for (tracked_block& mine : kept) {
    threads.emplace_back([&] {
      t.set_thread_tag(some);
      make(mine, 1000);
      made.count_down();
      asked.wait();
    });
  }
  made.wait();
  EXPECT_EQ(t.tags[some].live.load(), 0);
  t.set_budget(some, {.hard = 5000});
  EXPECT_TRUE(t.admits(some, 1000));
  EXPECT_FALSE(t.admits(some, 1001));
  asked.count_down();
  threads.clear();
  t.set_thread_tag(some);
  for (tracked_block& mine : kept) end(mine);
  EXPECT_TRUE(t.admits(some, 5000));
  t.set_budget(some, {});
}

TEST_F(tracker_test, tells_of_a_budget_that_is_exceeded_when_it_is_set) {
  const tag_id some = define("above at once");
  t.set_thread_tag(some);
  tracked_block a;
  make(a, 100);
  calls told;
  t.set_budget(some, {.soft = 99, .context = &told, .exceeded = calls::note});
  EXPECT_EQ(told.count, 1);
  EXPECT_EQ(told.live, 100u);
  end(a);
  t.set_budget(some, {});
}

// What waits in the cell of a thread when it ends must not go with it.
TEST_F(tracker_test, loses_nothing_of_a_thread_that_ends_after_its_budget_did) {
  const tag_id some = define("ended later");
  use({.level = track_level::full, .depth = 0});
  std::jthread([&] {
    t.set_thread_tag(some);
    tracked_block first;
    make(first, 1);
    end(first);
  }).join();
  t.set_budget(some, {.hard = 20'000});
  std::latch made(1);
  std::latch unbound(1);
  std::jthread other([&] {
    t.set_thread_tag(some);
    tracked_block b;
    make(b, 10'000);
    made.count_down();
    unbound.wait();
    end(b);
  });
  made.wait();
  t.set_budget(some, {});
  unbound.count_down();
  other.join();
  EXPECT_EQ(t.live_of(some), 0);
  EXPECT_EQ(t.tags[some].live.load(), 0);
}

// Threads count while budgets and exact peaks come and go: in the end nothing is left.
TEST_F(tracker_test, loses_nothing_while_budgets_come_and_go) {
  const tag_id some = define("coming and going");
  std::atomic<int> running{4};
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < 4; ++i) {
      threads.emplace_back([&, i] {
        t.set_thread_tag(some);
        tracked_block blocks[16];
        for (std::size_t k = 0; k < 3000; ++k) {
          make(blocks[k % 16], 1000 + 100 * i + k % 7);
          if (k % 16 == 15)
            for (tracked_block& b : blocks) end(b);
        }
        for (tracked_block& b : blocks) end(b);
        running.fetch_sub(1);
      });
    }
    for (std::size_t k = 0; running.load() != 0; ++k) {
      t.set_budget(some, {.hard = k % 2 == 0 ? std::size_t{1} << 30 : tag_budget::none});
      use({.level = track_level::full, .depth = 0, .exact_peaks = k % 3 == 0});
    }
  }
  t.set_budget(some, {.hard = 1000});
  EXPECT_EQ(t.live_of(some), 0);
  EXPECT_EQ(t.tags[some].live.load(), 0);
  EXPECT_TRUE(t.admits(some, 1000));
  EXPECT_FALSE(t.admits(some, 1001));
  t.set_budget(some, {});
}

TEST_F(tracker_test, finds_exact_peaks_from_the_moment_that_they_are_asked_for) {
  const tag_id some = define("exact later");
  use({.level = track_level::full, .depth = 0});
  tracked_block kept[2];
  std::latch made(1);
  std::latch asked(1);
  std::jthread other([&] {
    t.set_thread_tag(some);
    make(kept[0], 1000);
    made.count_down();
    asked.wait();
  });
  made.wait();
  use({.level = track_level::full, .depth = 0, .exact_peaks = true});
  t.set_thread_tag(some);
  make(kept[1], 500);
  EXPECT_EQ(t.peak_of(some), 1500);
  for (tracked_block& b : kept) end(b);
  EXPECT_EQ(t.peak_of(some), 1500);
  asked.count_down();
}

TEST_F(tracker_test, counts_pages_beside_blocks_within_one_budget) {
  const tag_id some = define("pages");
  t.set_budget(some, {.hard = 1000});
  t.set_thread_tag(some);
  tracked_block a;
  make(a, 300);
  EXPECT_TRUE(t.charge_pages(some, 700));
  EXPECT_FALSE(t.charge_pages(some, 1));
  EXPECT_FALSE(t.admits(1));
  EXPECT_EQ(t.sum_of_tag(some).page_bytes, 700);
  EXPECT_EQ(t.live_of(some), 1000);
  t.discharge_pages(some, 700);
  end(a);
  EXPECT_EQ(t.sum_of_tag(some).peak_bytes, 1000);
  EXPECT_EQ(t.live_of(some), 0);
  t.set_budget(some, {});
}

TEST_F(tracker_test, never_lets_pages_of_threads_exceed_a_hard_budget_together) {
  const tag_id some = define("racing pages");
  t.set_budget(some, {.hard = 1000});
  std::atomic<int> granted{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        for (int k = 0; k < 1000; ++k)
          if (t.charge_pages(some, 10)) granted.fetch_add(1);
      });
    }
  }
  EXPECT_EQ(granted.load(), 100);
  EXPECT_EQ(t.live_of(some), 1000);
  t.discharge_pages(some, 1000);
  t.set_budget(some, {});
}

}  // namespace
}  // namespace ashlar::observe
