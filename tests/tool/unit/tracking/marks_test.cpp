// SPDX-License-Identifier: MIT
// What captures say of marks, of frames, and of what was made between marks.
#include <gtest/gtest.h>

#include "tests/tool/support/fake_capture.hpp"
#include "tools/ashlar/tracking/tracking_json.hpp"
#include "tools/ashlar/tracking/tracking_text.hpp"

namespace ashlar::tool {
namespace {

test::capture_builder marked_game() {
  test::capture_builder all = test::game_capture();
  all.mark("level loaded", 1'200, 12 << 20);
  all.mark("boss", 2'000, 15 << 20);
  all.periods.push_back({3, 0, 20, 20'000, 0, 0});
  all.periods.push_back({3, 1, 10, 10'000, 10, 10'000});
  all.periods.push_back({3, 2, 30, 30'000, 30, 30'000});
  all.periods.push_back({4, 2, 4, 4'000, 4, 4'000});
  return all;
}

tracking tracked(const test::capture_builder& from) {
  const capture_result result = parse_capture(from.bytes());
  EXPECT_TRUE(result) << result.problem;
  return analyse(result.value, {});
}

std::string text(const lines& all, std::size_t width) { return render(all, false, width); }

TEST(marks, leaks_are_told_by_when_they_were_made) {
  const tracking all = tracked(marked_game());
  ASSERT_EQ(all.leaks.groups.size(), 3U);
  ASSERT_EQ(all.leaks.groups[0].periods.size(), 2U);
  EXPECT_EQ(all.leaks.groups[0].periods[0].lost_blocks, 10U);
  report_format format;
  format.width = 100;
  const std::string leaks = text(leaks_section(all, format), 100);
  EXPECT_NE(leaks.find("made 10 between \"level loaded\" and \"boss\" · 30 after \"boss\""),
            std::string::npos)
      << leaks;
  EXPECT_NE(leaks.find("all made after \"boss\""), std::string::npos) << leaks;
}

TEST(marks, the_table_sums_all_sites) {
  const tracking all = tracked(marked_game());
  ASSERT_EQ(all.periods.size(), 3U);
  EXPECT_EQ(all.periods[2].live_blocks, 34U);
  EXPECT_EQ(all.periods[2].lost_bytes, 34'000U);
  report_format format;
  for (const std::size_t width : {60U, 80U, 120U}) {
    format.width = width;
    for (const line& each : marks_section(all, format)) EXPECT_LE(each.width(), width);
  }
  const auto json = json_of(all);
  EXPECT_EQ(json["marks"][1]["name"], "boss");
  EXPECT_EQ(json["periods"][1]["after"], "level loaded");
  EXPECT_EQ(json["periods"][1]["before"], "boss");
  EXPECT_TRUE(json["periods"][2]["before"].is_null());
}

TEST(marks, frames_have_a_length_and_what_they_leave) {
  test::capture_builder all = test::game_capture();
  all.header.frame_count = 500;
  for (std::uint32_t i = 0; i < 5; ++i)
    all.frame_marks.push_back({0, 1'000 + i * 16, 1'000 + i * 100, 0, 496 + i, 0});
  report_format format;
  format.width = 100;
  EXPECT_EQ(
      text(marks_section(tracked(all), format), 100),
      "FRAMES   500 begun · the last 4: 16 ms each, 16 ms the longest · +100 B live a frame\n");
}

TEST(marks, without_any_nothing_is_said) {
  EXPECT_TRUE(marks_section(tracked(test::game_capture()), {}).empty());
}

TEST(marks, periods_out_of_range_are_refused) {
  test::capture_builder all = marked_game();
  all.periods[0].site = 99;
  EXPECT_EQ(parse_capture(all.bytes()).problem,
            "it is damaged: a period is of a site that is not there");
  all = marked_game();
  all.periods[0].mark = 3;
  EXPECT_EQ(parse_capture(all.bytes()).problem,
            "it is damaged: a period begins at a mark that is not there");
}

}  // namespace
}  // namespace ashlar::tool
