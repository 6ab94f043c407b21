// SPDX-License-Identifier: MIT
#include "tools/ashlar/report/table.hpp"

#include <gtest/gtest.h>

namespace ashlar::tool {
namespace {

columns small_table() {
  return {{.name = "name", .left_aligned = true, .cells = {"a", "longer"}},
          {.name = "n", .can_go = true, .cells = {"1", "1 000"}},
          {.name = "bytes", .cells = {"5", "–"}}};
}

TEST(table, columns_are_as_wide_as_their_widest_cell) {
  const columns all = small_table();
  EXPECT_EQ(width_of(all), 8U + 7U + 7U);
  EXPECT_EQ(header_line(all).render(false, 80), "  name        n  bytes");
  EXPECT_EQ(row_line(all, 0).render(false, 80), "  a           1      5");
  EXPECT_EQ(row_line(all, 1).render(false, 80), "  longer  1 000      –");
}

TEST(table, columns_that_can_go_do_where_there_is_no_room) {
  columns all = small_table();
  fit_columns(all, 22);
  EXPECT_EQ(all.size(), 3U);
  fit_columns(all, 21);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[1].name, "bytes");
  fit_columns(all, 1);
  EXPECT_EQ(all.size(), 2U);
}

}  // namespace
}  // namespace ashlar::tool
