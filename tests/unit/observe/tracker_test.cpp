// SPDX-License-Identifier: MIT
// The tracker counts exactly: by tag, site and thread, over threads that end, and across a fork.
#include <atomic>
#include <latch>
#include <source_location>
#include <thread>
#include <vector>

#include "support/child.hpp"
#include "tracker_fixture.hpp"

namespace ashlar::observe {
namespace {

TEST(block_record, keeps_what_it_is_told) {
  block_facts facts = {.site = 7,
                       .size = (std::size_t{1} << 44) - 3,
                       .made_by = family::new_array,
                       .standing = block_standing::kept_by_lost,
                       .thread = 65'535,
                       .born = 0x7fff'fffe,
                       .alignment_shift = 43,
                       .lot = 31};
  block_record record = {};
  record.store(facts);
  EXPECT_EQ(record.load(), facts);
  // Of a sample it keeps how rare it was, and not the alignment.
  facts.sampled = true;
  facts.alignment_shift = 0;
  facts.doublings = sample_pace::most_doublings;
  record.store(facts);
  EXPECT_EQ(record.load(), facts);
  EXPECT_TRUE(record.is_sampled());
}

TEST_F(tracker_test, fills_records_and_empties_them) {
  const tag_id some = define("records");
  t.set_thread_tag(some);
  tracked_block b;
  make(b, 123456789012);
  const block_facts facts = b.record.load();
  EXPECT_EQ(facts.size, 123456789012u);
  EXPECT_EQ(t.sites.tag_of(facts.site), some);
  EXPECT_STREQ(t.sites.key_of(facts.site).file, std::source_location::current().file_name());
  end(b);
  EXPECT_FALSE(b.record.is_live());
  end(b);  // not live: nothing
  EXPECT_EQ(t.live_of(some), 0);
}

TEST_F(tracker_test, counts_what_a_tag_holds_to_the_byte) {
  const tag_id some = define("exact");
  t.set_thread_tag(some);
  std::vector<tracked_block> blocks(100);
  for (std::size_t i = 0; i < blocks.size(); ++i) make(blocks[i], i);
  EXPECT_EQ(t.live_of(some), 99 * 100 / 2);
  for (std::size_t i = 0; i < 50; ++i) end(blocks[i]);
  const tag_sum sum = t.sum_of_tag(some);
  EXPECT_EQ(sum.live_bytes, 99 * 100 / 2 - 49 * 50 / 2);
  EXPECT_EQ(sum.peak_bytes, 99 * 100 / 2);
  EXPECT_EQ(sum.blocks.born_blocks, 100u);
  EXPECT_EQ(sum.blocks.dead_blocks, 50u);
  EXPECT_EQ(sum.page_bytes, 0);
  for (std::size_t i = 50; i < 100; ++i) end(blocks[i]);
  EXPECT_EQ(t.live_of(some), 0);
}

TEST_F(tracker_test, tells_sites_apart) {
  const tag_id some = define("sites");
  t.set_thread_tag(some);
  tracked_block a;
  tracked_block b[3];
  make(a, 10);
  for (tracked_block& one : b) make(one, 20);
  const site_cell first = t.sum_of(a.record.load().site);
  const site_cell second = t.sum_of(b[0].record.load().site);
  EXPECT_EQ(b[0].record.load().site, b[2].record.load().site);
  EXPECT_EQ(first.born_bytes, 10u);
  EXPECT_EQ(second.born_blocks, 3u);
  EXPECT_EQ(second.born_bytes, 60u);
  end(a);
  for (tracked_block& one : b) end(one);
  EXPECT_EQ(t.sum_of(b[0].record.load().site).born_blocks, 0u);  // `none`: they are dead
}

TEST_F(tracker_test, knows_temporary_blocks) {
  t.set_thread_tag(define("temporary"));
  tracked_block a;
  tracked_block b;
  make(a, 1);
  const site_id site = a.record.load().site;
  end(a);
  EXPECT_EQ(t.sum_of(site).temporary_blocks, 1u);
  make(a, 1);
  make(b, 1);
  end(a);
  end(b);
  EXPECT_EQ(t.sum_of(site).temporary_blocks, 1u);
}

TEST_F(tracker_test, sums_over_threads_that_run_and_threads_that_have_ended) {
  constexpr int thread_count = 8;
  constexpr int rounds = 500;
  const tag_id some = define("threads");
  std::vector<std::vector<tracked_block>> blocks(thread_count, std::vector<tracked_block>(rounds));
  std::latch made(thread_count);
  std::vector<std::thread> threads;
  for (auto& mine : blocks) {
    threads.emplace_back([&] {
      t.set_thread_tag(some);
      for (tracked_block& b : mine) make(b, 10);
      made.arrive_and_wait();
      // The blocks of another thread, while all run.
      for (tracked_block& b :
           blocks[(static_cast<std::size_t>(&mine - blocks.data()) + 1) % thread_count])
        end(b);
    });
  }
  made.wait();
  for (std::thread& one : threads) one.join();
  const tag_sum sum = t.sum_of_tag(some);
  EXPECT_EQ(sum.live_bytes, 0);
  EXPECT_EQ(sum.blocks.born_blocks, std::uint64_t{thread_count * rounds});
  EXPECT_EQ(sum.blocks.dead_blocks, std::uint64_t{thread_count * rounds});
  EXPECT_EQ(sum.peak_bytes, thread_count * rounds * 10);
  EXPECT_EQ(t.lost(), 0u);
}

TEST_F(tracker_test, keeps_the_figures_of_each_thread_after_its_end) {
  const tag_id some = define("summaries");
  std::uint16_t number = 0;
  std::vector<tracked_block> blocks(30);
  std::thread([&] {
    t.set_thread_tag(some);
    for (tracked_block& b : blocks) make(b, 100);
    for (std::size_t i = 0; i < 10; ++i) end(blocks[i]);
    number = blocks[29].record.load().thread;
  }).join();
  const thread_summary s = t.thread(number);
  EXPECT_EQ(s.ended, 1u);
  EXPECT_EQ(s.born_blocks, 30u);
  EXPECT_EQ(s.born_bytes, 3000u);
  EXPECT_EQ(s.dead_blocks, 10u);
  EXPECT_EQ(t.live_of(some), 2000);
  for (std::size_t i = 10; i < 30; ++i) end(blocks[i]);
  EXPECT_EQ(t.live_of(some), 0);
}

// What one thread leaves behind of its cells, the next one begins with. More sites than two pages
// of cells have, so that threads begin pages and find them begun.
TEST_F(tracker_test, counts_many_sites_of_threads_that_follow_each_other) {
  constexpr std::uint32_t threads = 40;
  constexpr std::uint32_t sites_of_one = 50;
  constexpr std::uint32_t step = 17;  // so each thread shares sites with the ones before it
  const tag_id some = define("many sites");
  std::vector<std::vector<tracked_block>> blocks(threads, std::vector<tracked_block>(sites_of_one));
  std::vector<std::uint64_t> expected(threads * step + sites_of_one);
  for (std::uint32_t n = 0; n < threads; ++n) {
    std::thread([&, n] {
      t.set_thread_tag(some);
      for (std::uint32_t i = 0; i < sites_of_one; ++i) {
        tracked_block& b = blocks[n][i];
        const std::uintptr_t code = 0x10'0000 + 16 * (n * step + i);
        t.note_birth(b.record, &b, {.size = 100 + n, .from = {.return_address = at_address(code)}});
        expected[n * step + i] += 100 + n;
      }
      if (n > 0)  // those of a thread that has ended
        for (tracked_block& b : blocks[n - 1]) end(b);
    }).join();
  }
  EXPECT_GT(t.sites.size(), 2 * site_page::size);
  std::uint64_t live = 0;
  for (tracked_block& b : blocks[threads - 1]) {
    const block_facts facts = b.record.load();
    const std::uintptr_t code = *t.sites.key_of(facts.site).frames;
    EXPECT_EQ(t.sum_of(facts.site).born_bytes, expected[(code - 0x10'0000) / 16]);
    live += facts.size;
  }
  EXPECT_EQ(t.live_of(some), static_cast<std::int64_t>(live));
  const tag_sum sum = t.sum_of_tag(some);
  EXPECT_EQ(sum.blocks.born_blocks, std::uint64_t{threads * sites_of_one});
  EXPECT_EQ(sum.blocks.dead_blocks, std::uint64_t{(threads - 1) * sites_of_one});
  for (tracked_block& b : blocks[threads - 1]) end(b);
  EXPECT_EQ(t.live_of(some), 0);
}

TEST_F(tracker_test, finds_the_peak_in_batches_where_one_thread_allocates) {
  use({.level = track_level::full, .depth = 0});
  const tag_id some = define("batches");
  t.set_thread_tag(some);
  tracked_block a;
  make(a, 1000);
  end(a);
  EXPECT_EQ(t.sum_of_tag(some).peak_bytes, 1000);
}

TEST_F(tracker_test, watches_threads_by_level_tag_and_policy) {
  const tag_id some = define("watched");
  use({.level = track_level::off});
  t.set_thread_tag(some);
  EXPECT_FALSE(t.watches_this_thread());
  use({.level = track_level::counters});
  EXPECT_TRUE(t.watches_this_thread());
  t.set_thread_tag(0);
  EXPECT_FALSE(t.watches_this_thread());
  use({.level = track_level::counters, .untagged = untagged_policy::count});
  EXPECT_TRUE(t.watches_this_thread());
  {
    const mute_scope quiet;
    EXPECT_FALSE(t.watches_this_thread());
  }
  use({.level = track_level::full});
  EXPECT_TRUE(t.watches_this_thread());
}

TEST_F(tracker_test, counts_blocks_without_a_tag_where_the_policy_says_so) {
  use({.level = track_level::counters, .depth = 0, .untagged = untagged_policy::count});
  const std::uint64_t before = t.untagged_blocks();
  tracked_block a;
  make(a, 10);
  end(a);
  t.set_thread_tag(define("tagged"));
  make(a, 10);
  end(a);
  EXPECT_EQ(t.untagged_blocks(), before + 1);
}

TEST_F(tracker_test, says_when_a_thread_gets_a_tag_and_when_it_has_none_any_more) {
  static int changes = 0;
  changes = 0;
  t.on_tag_change = [](thread_state&) { ++changes; };
  t.set_thread_tag(define("one"));
  t.set_thread_tag(define("two"));
  t.set_thread_tag(0);
  t.on_tag_change = nullptr;
  EXPECT_EQ(changes, 2);
}

TEST_F(tracker_test, remembers_named_moments_and_frames) {
  const std::uint32_t before = t.mark_count();
  const std::uint32_t frames = t.frame_count();
  t.set_thread_tag(define("marks"));
  const std::int64_t live = t.live_bytes();
  tracked_block a;
  make(a, 5000);
  t.mark("level loaded");
  t.begin_frame();
  t.begin_frame();
  ASSERT_EQ(t.mark_count(), before + 1);
  EXPECT_STREQ(t.mark_at(before).name, "level loaded");
  EXPECT_EQ(t.mark_at(before).live_bytes, live + 5000);
  EXPECT_EQ(t.frame_count(), frames + 2);
  EXPECT_EQ(t.frame_at(frames + 2).frame, frames + 2);
  end(a);
}

TEST_F(tracker_test, goes_on_counting_in_the_child_of_a_fork) {
  const tag_id some = define("fork");
  std::atomic<bool> ends{false};
  tracked_block theirs;
  std::latch made(2);
  std::thread other([&] {
    t.set_thread_tag(some);
    make(theirs, 7);
    made.arrive_and_wait();
    while (!ends.load()) std::this_thread::yield();
  });
  made.arrive_and_wait();
  t.set_thread_tag(some);
  tracked_block mine;
  make(mine, 10);
  EXPECT_TRUE(test::ended_well(test::run_in_child([&] {
    EXPECT_EQ(t.live_of(some), 17);
    end(theirs);  // its thread is not here any more
    tracked_block more;
    make(more, 100);
    EXPECT_EQ(t.live_of(some), 110);
  })));
  EXPECT_EQ(t.live_of(some), 17);
  ends = true;
  other.join();
  end(mine);
  end(theirs);
  EXPECT_EQ(t.live_of(some), 0);
}

TEST_F(tracker_test, what_finds_no_room_inside_managers_is_lost_apart) {
  const std::uint64_t before = t.lost();
  std::vector<std::uint32_t> numbers(inner_table::most_managers);
  for (std::uint32_t& n : numbers)
    t.note_inner({&n, "fake", nullptr, n}, &n, sizeof n, caller_of_this(), 0);
  EXPECT_GT(t.inner.lost(), 0u);
  EXPECT_EQ(t.lost(), before);
  for (std::uint32_t& n : numbers) t.inner.close({&n, nullptr, nullptr, n});
}

}  // namespace
}  // namespace ashlar::observe
