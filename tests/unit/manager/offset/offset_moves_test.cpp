// SPDX-License-Identifier: MIT
// Defragmentation by the offset manager: passes are bounded, end, and keep handles and alignment.
#include <gtest/gtest.h>

#include <vector>

#include "ashlar/manager/offset/offset_manager.hpp"
#include "support/fault_log.hpp"
#include "unit/manager/offset/ranges.hpp"

namespace ashlar {
namespace {

using test::printed;
using test::take;

std::vector<std::uint64_t> used_offsets(const offset_manager& m) {
  std::vector<std::uint64_t> offsets;
  m.walk([&](const walked_range& r) {
    if (r.kind == range_kind::used) offsets.push_back(r.range.offset);
    return true;
  });
  return offsets;
}

move_answer copied(const offset_move&) { return move_answer::copied; }

/// A space with `count` ranges of 10 units, every second one freed.
std::vector<offset_range> make_holes(offset_manager& m, std::size_t count) {
  std::vector<offset_range> all;
  for (std::size_t i = 0; i < count; ++i) all.push_back(take(m, 10));
  std::vector<offset_range> kept;
  for (std::size_t i = 0; i < count; ++i) {
    if (i % 2 == 0)
      m.deallocate(all[i].handle);
    else
      kept.push_back(all[i]);
  }
  return kept;
}

TEST(offset_moves, compacts_completely_in_passes_of_bounded_length) {
  for (const bool may_overlap : {false, true}) {
    offset_manager m({.units = 1'000});
    const std::vector<offset_range> kept = make_holes(m, 100);
    const defragment_limits limits{.max_moves = 3, .max_units = 25, .may_overlap = may_overlap};
    int passes = 0;
    for (bool done = false; !done; ++passes) {
      ASSERT_LT(passes, 1'000);
      const defragment_outcome outcome = m.defragment(limits, copied);
      m.check_invariants();
      EXPECT_LE(outcome.moves, 2u) << "25 units are two ranges";
      EXPECT_LE(outcome.units, 25u);
      done = outcome.done;
    }
    EXPECT_EQ(m.report().largest_free, 500u);
    for (const offset_range& r : kept) EXPECT_TRUE(m.owns(r.handle));
  }
}

TEST(offset_moves, slides_ranges_over_holes_that_are_shorter_only_if_places_may_overlap) {
  offset_manager m({.units = 100});
  const offset_range gap = take(m, 5);
  const offset_range long_one = take(m, 90);
  m.deallocate(gap.handle);
  EXPECT_TRUE(m.defragment({}, copied).done);
  EXPECT_EQ(m.find(long_one.handle).offset, 5u);
  offset_move seen;
  m.defragment({.may_overlap = true}, [&](const offset_move& move) {
    seen = move;
    return move_answer::copied;
  });
  EXPECT_EQ(seen.from, 5u);
  EXPECT_EQ(seen.to, 0u);
  EXPECT_EQ(m.find(long_one.handle).offset, 0u);
  EXPECT_EQ(m.report().largest_free, 10u);
}

TEST(offset_moves, keeps_alignment_when_it_moves) {
  offset_manager m({.units = 10'000});
  std::vector<offset_range> all;
  for (std::uint64_t i = 0; i < 60; ++i) all.push_back(take(m, 10 + i, std::uint64_t{1} << i % 8));
  for (std::size_t i = 0; i < all.size(); i += 3) m.deallocate(all[i].handle);
  while (!m.defragment({.may_overlap = true}, copied).done) m.check_invariants();
  for (std::size_t i = 0; i < all.size(); ++i)
    EXPECT_EQ(m.find(all[i].handle).offset % (std::uint64_t{1} << i % 8), 0u);  // 0 for the freed
}

TEST(offset_moves, leaves_what_is_ignored_and_ends_what_is_destroyed) {
  offset_manager m({.units = 100});
  const std::vector<offset_range> kept = make_holes(m, 10);
  const std::vector<std::uint64_t> before = used_offsets(m);
  int proposals = 0;
  while (!m.defragment({}, [&](const offset_move&) {
             ++proposals;
             return move_answer::ignored;
           }).done) {
  }
  EXPECT_EQ(used_offsets(m), before);
  EXPECT_GE(proposals, 5);
  EXPECT_LE(proposals, 10) << "each once in a round";
  const offset_handle last = kept.back().handle;
  m.defragment({.max_moves = 1}, [&](const offset_move& move) {
    EXPECT_EQ(move.handle, last);
    return move_answer::destroyed;
  });
  EXPECT_FALSE(m.owns(last));
  EXPECT_EQ(m.report().used_ranges, 4u);
  m.check_invariants();
}

TEST(offset_moves, lets_the_answerer_allocate_and_free) {
  offset_manager m({.units = 2'000});
  std::vector<offset_range> kept = make_holes(m, 100);
  while (!m.defragment({}, [&](const offset_move& move) {
             if (kept.back().handle != move.handle && kept.size() > 40) {
               m.deallocate(kept.back().handle);
               kept.pop_back();
             }
             return move_answer::copied;
           }).done) {
    m.check_invariants();
  }
  EXPECT_EQ(m.report().free_ranges, 1u);
}

TEST(offset_moves, holds_both_places_while_a_move_is_open) {
  test::fault_log faults;
  offset_manager m({.units = 100});
  const std::vector<offset_range> kept = make_holes(m, 10);
  offset_move moves[2];
  const defragment_outcome begun = m.begin_moves(moves, {});
  ASSERT_EQ(begun.moves, 2u);
  m.check_invariants();
  EXPECT_EQ(m.report().held_by_moves, 20u);
  EXPECT_EQ(m.report().free, 30u);
  EXPECT_EQ(m.find(moves[0].handle).offset, moves[0].from) << "until the contents are there";
  m.deallocate(moves[0].handle);
  EXPECT_TRUE(faults.took(fault_kind::pin_mismatch, printed(moves[0].handle)));
  m.end_move(moves[0], move_answer::copied);
  EXPECT_EQ(m.find(moves[0].handle).offset, moves[0].to);
  m.end_move(moves[0], move_answer::copied);
  EXPECT_TRUE(faults.took(fault_kind::stale_handle, &m));
  m.end_move(moves[1], move_answer::destroyed);
  m.check_invariants();
  EXPECT_EQ(m.report().held_by_moves, 0u);
  EXPECT_FALSE(m.owns(moves[1].handle));
  EXPECT_EQ(m.report().used_ranges, kept.size() - 1);
}

TEST(offset_moves, ends_open_moves_when_it_is_restored) {
  offset_manager m({.units = 100});
  make_holes(m, 10);
  offset_move moves[3];
  ASSERT_NE(m.begin_moves(moves, {}).moves, 0u);
  offset_manager other;
  ASSERT_TRUE(other.restore(m.image()));
  other.check_invariants();
  EXPECT_EQ(other.report().held_by_moves, 0u);
  EXPECT_EQ(other.find(moves[0].handle).offset, moves[0].from);
  other.deallocate(moves[0].handle);
}

}  // namespace
}  // namespace ashlar
