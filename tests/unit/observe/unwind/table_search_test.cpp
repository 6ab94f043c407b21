// SPDX-License-Identifier: MIT
// Rules from hand-made unwind tables, whole ones and broken ones.
#include "ashlar/observe/unwind/table_search.hpp"

#include <gtest/gtest.h>

#include <random>

#include "unit/observe/unwind/hand_made_tables.hpp"

namespace {

using namespace ashlar;
using namespace ashlar::observe;
using ashlar::testing::append;
using ashlar::testing::bytes;
using ashlar::testing::hand_made_tables;

frame_rule search(const bytes& all, std::uint32_t offset) {
  // In memory of its own size, so that a sanitizer sees a read beyond it.
  return search_tables(hand_made_tables::place_of(all),
                       address_of(all.data()) + hand_made_tables::function_begin + offset);
}

frame_rule rule_of(const bytes& code, std::uint32_t offset = 0x20) {
  hand_made_tables t;
  t.function_code = code;
  return search(t.built(), offset);
}

frame_rule from_stack(std::int64_t cfa, std::int64_t saved = 0) {
  return frame_rule::of(rule_kind::from_stack, cfa, saved);
}
frame_rule from_frame(std::int64_t cfa, std::int64_t saved) {
  return frame_rule::of(rule_kind::from_frame, cfa, saved);
}

TEST(table_search, takes_the_rule_of_the_unit_where_the_function_adds_none) {
  EXPECT_EQ(rule_of({}), from_stack(8));
}

TEST(table_search, finds_a_function_by_its_size) {
  hand_made_tables t;
  const bytes all = t.built();
  EXPECT_EQ(search(all, 0xff), from_stack(8));
  EXPECT_EQ(search(all, 0x100).kind(), rule_kind::unknown);
  EXPECT_EQ(search(all, ~0u).kind(), rule_kind::unknown);
}

// push %rbp; mov %rsp, %rbp; ...; pop %rbp; ret
TEST(table_search, follows_the_instructions_up_to_the_address) {
  const bytes code = {0x41, 0x0e, 16, 0x86, 2, 0x43, 0x0d, 6, 0x02, 0x40, 0xc6, 0x0c, 7, 8};
  EXPECT_EQ(rule_of(code, 0), from_stack(8));
  EXPECT_EQ(rule_of(code, 1), from_stack(16, 16));
  EXPECT_EQ(rule_of(code, 3), from_stack(16, 16));
  EXPECT_EQ(rule_of(code, 4), from_frame(16, 16));
  EXPECT_EQ(rule_of(code, 0x43), from_frame(16, 16));
  EXPECT_EQ(rule_of(code, 0x44), from_stack(8));
}

TEST(table_search, reads_all_widths_of_advances) {
  EXPECT_EQ(rule_of({0x03, 0x10, 0x00, 0x0e, 24}, 0x0f), from_stack(8));
  EXPECT_EQ(rule_of({0x03, 0x10, 0x00, 0x0e, 24}, 0x10), from_stack(24));
  EXPECT_EQ(rule_of({0x04, 0x10, 0x00, 0x00, 0x00, 0x0e, 24}, 0x10), from_stack(24));
  EXPECT_EQ(rule_of({0x04, 0x11, 0x00, 0x00, 0x00, 0x0e, 24}, 0x10), from_stack(8));
}

TEST(table_search, remembers_and_restores_rows) {
  const bytes code = {0x0e, 32, 0x86, 2, 0x0a, 0x41, 0x0e, 8, 0xc6, 0x41, 0x0b};
  EXPECT_EQ(rule_of(code, 0), from_stack(32, 16));
  EXPECT_EQ(rule_of(code, 1), from_stack(8));
  EXPECT_EQ(rule_of(code, 2), from_stack(32, 16));
}

TEST(table_search, reads_the_long_forms) {
  EXPECT_EQ(rule_of({0x0e, 0x80, 0x80, 0x04}), from_stack(65536));
  EXPECT_EQ(rule_of({0x13, 0x7c}), from_stack(32));        // -4 data units
  EXPECT_EQ(rule_of({0x12, 6, 0x7e}), from_frame(16, 0));  // the same with a register
  EXPECT_EQ(rule_of({0x0e, 32, 0x05, 6, 3}), from_stack(32, 24));
  EXPECT_EQ(rule_of({0x0e, 32, 0x11, 6, 3}), from_stack(32, 24));
  EXPECT_EQ(rule_of({0x0e, 32, 0x86, 2, 0x06, 6}), from_stack(32));
  EXPECT_EQ(rule_of({0x0e, 32, 0x86, 2, 0x08, 6}), from_stack(32));
}

TEST(table_search, passes_over_what_it_does_not_need) {
  EXPECT_EQ(rule_of({0x83, 3, 0x07, 12,   0x09, 13, 14, 0x14, 3,    2,  0x15, 3, 2,    0x10,
                     3,    1, 0x96, 0x16, 12,   2,  0,  0,    0x2e, 16, 0,    0, 0x0e, 16}),
            from_stack(16));
}

TEST(table_search, sees_where_a_thread_begins) {
  EXPECT_EQ(rule_of({0x07, 16}).kind(), rule_kind::end);
}

TEST(table_search, knows_realigned_frames) {
  const bytes code = {0x10, 6, 2, 0x76, 0, 0x0f, 3, 0x76, 0x78, 0x06};
  EXPECT_EQ(rule_of(code), frame_rule::of(rule_kind::realigned, 8, 0));
  EXPECT_EQ(rule_of({0x0f, 3, 0x76, 0x78, 0x06}).kind(), rule_kind::unknown);
}

TEST(table_search, knows_the_stubs_of_linkers) {
  const bytes code = {0x0f, 11, 0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22};
  hand_made_tables t;
  t.function_code = code;
  const bytes all = t.built();
  const auto begin = static_cast<std::uint32_t>(
      16 - ((address_of(all.data()) + hand_made_tables::function_begin) & 15));
  EXPECT_EQ(search(all, begin + 10), from_stack(8));
  EXPECT_EQ(search(all, begin + 11), from_stack(16));
}

TEST(table_search, knows_the_frames_of_signals) {
  hand_made_tables t;
  t.augmentation = {'z', 'R', 'S', 0};
  t.function_code = {0x0f, 4, 0x77, 0xa0, 0x01, 0x06};
  EXPECT_EQ(search(t.built(), 0), frame_rule::of(rule_kind::signal, 160, 0));
  t.function_code = {};
  EXPECT_EQ(search(t.built(), 0).kind(), rule_kind::unknown);
}

TEST(table_search, reads_units_of_other_languages) {
  hand_made_tables t;
  t.augmentation = {'z', 'P', 'L', 'R', 0};
  t.augmentation_data = {7, 0x9b, 1, 2, 3, 4, 0x1b, 0x1b};
  EXPECT_EQ(search(t.built(), 0), from_stack(8));
}

TEST(table_search, says_unknown_where_it_is_not_told_enough) {
  for (const bytes& code : {bytes{0x0d, 3}, bytes{0x0e, 12}, bytes{0x0e, 0}, bytes{0x90, 2},
                            bytes{0x09, 16, 3}, bytes{0x09, 6, 3}, bytes{0x0f, 1, 0x97},
                            bytes{0x0e, 0x80, 0x80, 0x80, 0x80, 0x01}, bytes{0x86, 0x7f}})
    EXPECT_EQ(rule_of(code).kind(), rule_kind::unknown) << ::testing::PrintToString(code);
}

TEST(table_search, says_unknown_of_broken_programs) {
  const bytes deep(9, 0x0a);
  for (const bytes& code : {bytes{0x3f}, bytes{0x1d}, bytes{0x0b}, deep, bytes{0x0e},
                            bytes{0x04, 1, 2}, bytes{0x0e, 0x80, 0x80}, bytes{0x0f, 0x7f, 0x77},
                            bytes{0x86}, bytes{0x0f, 1, 0x96, 0x0e, 8}})
    EXPECT_EQ(rule_of(code).kind(), rule_kind::unknown) << ::testing::PrintToString(code);
}

// Cut anywhere, the tables end in memory that must not be read.
TEST(table_search, stays_within_tables_that_were_cut) {
  hand_made_tables t;
  t.function_code = {0x41, 0x0e, 16, 0x86, 2, 0x43, 0x0d, 6};
  const bytes all = t.built();
  for (std::size_t size = 0; size < all.size(); ++size) {
    bytes cut(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(size));
    cut.shrink_to_fit();
    EXPECT_EQ(search(cut, 0x20).kind(), rule_kind::unknown) << size;
  }
}

TEST(table_search, survives_any_byte_in_any_place) {
  hand_made_tables t;
  t.function_code = {0x41, 0x0e, 16, 0x86, 2, 0x0a, 0x43, 0x0d, 6, 0x0f, 3, 0x76, 0x78, 0x06};
  const bytes all = t.built();
  for (std::size_t at = 0; at < all.size(); ++at) {
    for (unsigned value = 0; value < 256; ++value) {
      bytes broken = all;
      broken[at] = static_cast<std::uint8_t>(value);
      EXPECT_LE(search(broken, 0x20).kind(), rule_kind::signal);
    }
  }
}

TEST(table_search, packs_what_it_can_and_no_more) {
  EXPECT_EQ(from_stack(65528, 56).cfa_offset(), 65528u);
  EXPECT_EQ(from_stack(65528, 56).saved_below(), 56u);
  EXPECT_EQ(from_stack((32 << 20) - 8).cfa_offset(), (32u << 20) - 8);
  EXPECT_EQ(from_stack(32 << 20).kind(), rule_kind::unknown);
  EXPECT_EQ(from_stack(512, 256).kind(), rule_kind::unknown);
  EXPECT_EQ(from_stack(16, 24).kind(), rule_kind::unknown);
  EXPECT_EQ(from_stack(-8).kind(), rule_kind::unknown);
}

}  // namespace
