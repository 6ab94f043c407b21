// SPDX-License-Identifier: MIT
// What a program is told of its tags: paths, parents, sums of subtrees, marks.
#include "ashlar/manager/track.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>

#include "ashlar/base/units.hpp"
#include "ashlar/manager/source/os_manager.hpp"
#include "ashlar/manager/tag_scope.hpp"
#include "support/child.hpp"

namespace ashlar {
namespace {

TEST(tag, has_a_path_a_parent_and_a_budget) {
  const tag leaf = define_tag("track test/render/textures", {.soft = 1, .hard = 2});
  EXPECT_EQ(find_tag("track test/render/textures"), leaf);
  EXPECT_EQ(parent_of(leaf), find_tag("track test/render"));
  EXPECT_EQ(define_tag(find_tag("track test"), "render/textures"), leaf);
  EXPECT_EQ(budget_of(leaf).hard, 2u);
  char text[64];
  EXPECT_EQ(std::string(text, path_of(leaf, text, sizeof text)), "track test/render/textures");
  EXPECT_FALSE(find_tag("track test/none"));
  EXPECT_FALSE(parent_of(tag(4000)));
  EXPECT_EQ(budget_of(tag(4000)).hard, tag_budget::none);
  EXPECT_EQ(usage_of(tag(4000)).live_bytes, 0u);
}

TEST(tag, can_be_defined_in_the_child_of_a_fork_that_came_while_others_defined_some) {
  std::atomic<bool> ends{false};
  std::thread other([&] {
    for (int i = 0; !ends.load(); ++i)
      (void)define_tag(("track forks/" + std::to_string(i % 1000)).c_str());
  });
  for (int i = 0; i < 50; ++i) {
    EXPECT_TRUE(test::ended_well(
        test::run_in_child([] { EXPECT_TRUE(define_tag("track forks of a child")); }, 10)));
  }
  ends = true;
  other.join();
}

TEST(usage_below, sums_a_subtree) {
  const tag left = define_tag("track sums/left");
  const tag right = define_tag("track sums/right/deep");
  const tag other = define_tag("track sums of others");
  const auto take = [](tag of, std::size_t size) {
    const tag_scope scope(of);
    return system_os().allocate({size, 16});
  };
  const allocation a = take(left, 8_KiB);
  const allocation b = take(right, 16_KiB);
  const allocation c = take(other, 32_KiB);
  EXPECT_EQ(usage_of(find_tag("track sums")).live_bytes, 0u);
  EXPECT_EQ(usage_below(find_tag("track sums")).live_bytes, 24_KiB);
  EXPECT_EQ(usage_below(right).page_bytes, 16_KiB);
  EXPECT_GE(usage_below({}).page_bytes, 56_KiB);
  EXPECT_EQ(usage_below({}).page_bytes, tracked_total().page_bytes);
  bool found = false;
  for_each_tag([&](const tag_usage& u) {
    if (u.of == right) found = u.live_bytes == 16_KiB && u.peak_bytes == 16_KiB;
    return !found;
  });
  EXPECT_TRUE(found);
  for (const allocation& one : {a, b, c}) system_os().deallocate(one.get());
  EXPECT_EQ(usage_below(find_tag("track sums")).live_bytes, 0u);
}

TEST(set_tracking, can_be_changed_and_ended_at_run_time) {
  EXPECT_TRUE(set_tracking({.level = track_level::counters}));
  EXPECT_EQ(current_tracking().level, track_level::counters);
  EXPECT_TRUE(set_tracking({.level = track_level::full, .depth = 8, .exact_peaks = true}));
  EXPECT_EQ(current_tracking().depth, 8u);
  EXPECT_TRUE(set_tracking({}));
  EXPECT_EQ(current_tracking().level, track_level::off);
}

TEST(mark_time, keeps_names_and_what_managers_held) {
  ASSERT_TRUE(set_tracking({.level = track_level::counters}));
  const tag mine = define_tag("track marks");
  {
    const tag_scope scope(mine);
    const allocation a = system_os().allocate({4_KiB, 16});
    mark_time("a name that is much longer than the forty-seven characters kept");
    system_os().deallocate(a.get());
  }
  std::string last;
  std::int64_t pages = 0;
  for_each_mark([&](const time_mark& m) {
    last = m.name;
    pages = m.page_bytes;
    return true;
  });
  EXPECT_EQ(last, "a name that is much longer than the forty-seven");
  EXPECT_GE(pages, std::int64_t{4_KiB});
  const std::uint32_t before = frame_number();
  next_frame();
  EXPECT_EQ(frame_number(), before + 1);
  mark_time(nullptr);
  EXPECT_EQ(frame_number(), before + 1);
  set_tracking({});
}

}  // namespace
}  // namespace ashlar
