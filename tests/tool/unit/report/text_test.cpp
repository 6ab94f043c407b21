// SPDX-License-Identifier: MIT
#include "tools/ashlar/report/text.hpp"

#include <gtest/gtest.h>

namespace ashlar::tool {
namespace {

TEST(text, counts_columns_and_not_bytes) {
  EXPECT_EQ(visible_width(""), 0U);
  EXPECT_EQ(visible_width("▁▂▃ a"), 5U);
  EXPECT_EQ(pad_left("▁", 3), "  ▁");
  EXPECT_EQ(pad_right("▁", 3), "▁  ");
  EXPECT_EQ(pad_left("long", 2), "long");
}

TEST(text, replaces_what_could_move_the_cursor) {
  EXPECT_EQ(printable("a\x1b[2Jb\n\x7f"), "a?[2Jb??");
  EXPECT_EQ(printable("größe"), "größe");
}

TEST(text, cuts_a_line_at_the_limit_between_code_points) {
  line each("ab");
  each.add("▁▂▃", style::live);
  EXPECT_EQ(each.width(), 5U);
  EXPECT_EQ(each.render(false, 80), "ab▁▂▃");
  EXPECT_EQ(each.render(false, 3), "ab▁");
  EXPECT_EQ(each.render(false, 0), "");
}

TEST(text, color_changes_nothing_but_color) {
  line each("ab");
  each.add("cd", style::live).add("e", style::live);
  EXPECT_EQ(each.render(true, 80), "ab\x1b[32mcde\x1b[0m");
  EXPECT_EQ(each.render(false, 80), "abcde");
}

TEST(text, leaves_no_blanks_at_the_end_of_a_line) {
  EXPECT_EQ(line("a   ").render(false, 80), "a");
}

TEST(text, flows_items_under_the_first_one) {
  const lines items{line("aaaa"), line("bbbb"), line("cccc")};
  const lines out = flow(line("HEAD "), items, line(" | "), 18);
  ASSERT_EQ(out.size(), 2U);
  EXPECT_EQ(out[0].render(false, 80), "HEAD aaaa | bbbb");
  EXPECT_EQ(out[1].render(false, 80), "     cccc");
}

}  // namespace
}  // namespace ashlar::tool
