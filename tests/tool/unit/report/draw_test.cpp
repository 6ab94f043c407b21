// SPDX-License-Identifier: MIT
#include "tools/ashlar/report/draw.hpp"

#include <gtest/gtest.h>

#include "tests/tool/support/fake_snapshot.hpp"

namespace ashlar::tool {
namespace {

std::string bar(double share, std::size_t width) {
  return draw_bar(share, width, unicode_glyphs(), " ");
}

TEST(draw, bars_grow_in_eighths) {
  EXPECT_EQ(bar(0, 4), "    ");
  EXPECT_EQ(bar(0.5, 4), "██  ");
  EXPECT_EQ(bar(1.0 / 32, 4), "▏   ");
  EXPECT_EQ(bar(9.0 / 32, 4), "█▏  ");
  EXPECT_EQ(bar(1, 4), "████");
  EXPECT_EQ(bar(7, 4), "████");
  EXPECT_EQ(bar(0.5, 0), "");
}

TEST(draw, a_little_shows_and_only_all_is_full) {
  EXPECT_EQ(bar(0.0001, 4), "▏   ");
  EXPECT_EQ(bar(0.9999, 4), "███▉");
}

TEST(draw, ascii_bars_have_whole_columns) {
  EXPECT_EQ(draw_bar(0.5, 4, ascii_glyphs(), "."), "##..");
}

const char* glyph(const merged_cell& cell) { return glyph_of(cell, unicode_glyphs()).utf8; }

TEST(draw, a_cell_with_anything_live_shows_its_height) {
  EXPECT_STREQ(glyph({0.001, 0.9, 0, 0, 0}), "▁");
  EXPECT_STREQ(glyph({0.5, 0.5, 0, 0, 0}), "▄");
  EXPECT_STREQ(glyph({0.51, 0.4, 0, 0, 0}), "▅");
  EXPECT_STREQ(glyph({1, 0, 0, 0, 0}), "█");
}

TEST(draw, a_cell_without_shows_what_most_of_it_is) {
  EXPECT_STREQ(glyph({0, 1, 0, 0, 0}), "·");
  EXPECT_STREQ(glyph({0, 0.4, 0.6, 0, 0}), "░");
  EXPECT_STREQ(glyph({0, 0, 0.1, 0.9, 0}), "▒");
  EXPECT_STREQ(glyph({0, 0, 0, 0, 1}), "≡");
  EXPECT_STREQ(glyph({}), " ");
}

TEST(draw, ascii_heights_are_three) {
  EXPECT_STREQ(glyph_of({0.2, 0, 0, 0, 0}, ascii_glyphs()).utf8, "-");
  EXPECT_STREQ(glyph_of({0.6, 0, 0, 0, 0}, ascii_glyphs()).utf8, "+");
  EXPECT_STREQ(glyph_of({0.9, 0, 0, 0, 0}, ascii_glyphs()).utf8, "#");
}

TEST(draw, merging_keeps_the_shares_and_drops_the_reserved_tail) {
  observe::snapshot record = test::bare_snapshot(1, "x");
  record.cell_bytes = 64 * test::kib;
  record.cell_count = 8;
  record.cells[0] = test::used_cell(255);
  record.cells[1] = {observe::cell_kind::free, 0, 255, 0};
  record.cells[2] = {observe::cell_kind::reserved, 0, 0, 0};
  record.cells[3] = test::used_cell(0, 255);
  for (int i = 4; i < 8; ++i) record.cells[i] = {observe::cell_kind::reserved, 0, 0, 0};

  const merged_map whole = merge_cells(record, 100);
  EXPECT_EQ(whole.cells.size(), 4U);
  EXPECT_EQ(whole.cell_bytes, 64 * test::kib);
  EXPECT_EQ(whole.trailing_reserved, 4 * 64 * test::kib);

  const merged_map merged = merge_cells(record, 2);
  ASSERT_EQ(merged.cells.size(), 2U);
  EXPECT_EQ(merged.cell_bytes, 128 * test::kib);
  EXPECT_DOUBLE_EQ(merged.cells[0].used, 0.5);
  EXPECT_DOUBLE_EQ(merged.cells[0].free, 0.5);
  EXPECT_DOUBLE_EQ(merged.cells[1].reserved, 0.5);
  EXPECT_DOUBLE_EQ(merged.cells[1].returned, 0.5);
}

TEST(draw, an_empty_map_has_no_cells) {
  EXPECT_TRUE(merge_cells(test::bare_snapshot(1, "x"), 10).cells.empty());
}

}  // namespace
}  // namespace ashlar::tool
