// SPDX-License-Identifier: MIT
// The offset manager, one promise per test. Its state in bytes: offset_state_test.cpp. What it does
// in long runs: tests/model.
#include "ashlar/manager/offset/offset_manager.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "support/fault_log.hpp"
#include "support/random.hpp"
#include "unit/manager/offset/ranges.hpp"

namespace ashlar {
namespace {

using test::printed;
using test::take;

constexpr std::uint64_t largest_space = offset_bins::max_units;

// --- Requests ------------------------------------------------------------------------------------

TEST(offset_manager, serves_ranges_that_fill_the_space_to_the_last_unit) {
  offset_manager m({.units = 100});
  const offset_range a = take(m, 60);
  const offset_range b = take(m, 40);
  EXPECT_EQ(a.offset + b.offset, 60u);
  EXPECT_EQ(m.report().free, 0u);
  EXPECT_EQ(m.allocate({1}).reason, status::not_enough_memory);
  EXPECT_EQ(m.allocate({1}).would_fit, 0u);
}

TEST(offset_manager, serves_size_0_as_1) {
  offset_manager m({.units = 2});
  const offset_range a = take(m, 0);
  const offset_range b = take(m, 0);
  EXPECT_EQ(a.units, 1u);
  EXPECT_NE(a.offset, b.offset);
}

TEST(offset_manager, keeps_alignment_and_leaves_the_padding_free) {
  offset_manager m({.units = 1'000, .first = 1});
  const offset_range a = take(m, 10, 256);
  EXPECT_EQ(a.offset, 256u);
  EXPECT_EQ(a.units, 10u);
  EXPECT_EQ(m.report().used, 10u);
  const offset_range b = take(m, 255);  // all of the padding
  EXPECT_EQ(b.offset, 1u);
}

TEST(offset_manager, finds_a_range_that_fits_only_because_of_where_it_starts) {
  offset_manager m({.units = 256 + 64});
  const offset_range all[] = {take(m, 256), take(m, 64)};
  m.deallocate(all[1].handle);
  // The one free range is [256, 320): 64 units at a multiple of 64, with none to spare.
  EXPECT_EQ(take(m, 64, 64).offset, 256u);
}

TEST(offset_manager, finds_a_range_that_lies_behind_a_shorter_one_in_the_bin_of_its_size) {
  offset_manager m({.units = 2'000});
  const offset_range fits = take(m, 1'003);
  const offset_range wall = take(m, 1);
  const offset_range shorter = take(m, 994);
  const offset_range rest = take(m, 2);
  ASSERT_EQ(offset_bins::bin_of(1'003), offset_bins::bin_of(994));
  m.deallocate(fits.handle);
  m.deallocate(shorter.handle);  // in front of it in the bin
  EXPECT_EQ(take(m, 1'000).offset, fits.offset);
  EXPECT_TRUE(m.owns(wall.handle) && m.owns(rest.handle));
}

TEST(offset_manager, refuses_by_reason_and_tells_what_would_fit) {
  offset_manager m({.units = 1'000, .limit = 900});
  EXPECT_EQ(m.allocate({10, 3}).reason, status::bad_alignment);
  EXPECT_EQ(m.allocate({10, 0}).reason, status::bad_alignment);
  EXPECT_EQ(m.allocate({10, std::uint64_t{1} << 63}).reason, status::bad_alignment);
  EXPECT_EQ(m.allocate({largest_space + 1}).reason, status::too_large);
  EXPECT_EQ(m.allocate({901}).reason, status::over_budget);
  const offset_range a = take(m, 600);
  const offset_allocation no = m.allocate({250, 256});
  EXPECT_EQ(no.reason, status::not_enough_memory);
  EXPECT_EQ(no.would_fit, 1'000u - 768u) << "from the first multiple of 256 behind 600";
  EXPECT_TRUE(m.allocate({232, 256}));
  EXPECT_TRUE(m.owns(a.handle));
}

TEST(offset_manager, serves_just_what_it_said_would_fit) {
  test::random_source random(7);
  offset_manager m({.units = 5'000});
  std::vector<offset_handle> live;
  for (int i = 0; i < 300; ++i) {
    const offset_allocation got = m.allocate({1 + random.below(60)});
    if (got) live.push_back(got.range.handle);
  }
  for (std::size_t i = 0; i < live.size(); i += 2) m.deallocate(live[i]);
  for (const std::uint64_t alignment : {1, 2, 16, 64, 256}) {
    const std::uint64_t most = m.allocate({10'000, alignment}).would_fit;
    EXPECT_EQ(m.allocate({most + 1, alignment}).reason, status::not_enough_memory);
    const offset_allocation got = m.allocate({most, alignment});
    ASSERT_TRUE(got);
    m.deallocate(got.range.handle);
  }
}

TEST(offset_manager, looks_at_no_more_ranges_than_it_is_told) {
  offset_manager exhaustive({.units = 1'000});
  offset_manager bounded({.units = 1'000, .max_scanned = 1});
  for (offset_manager* m : {&exhaustive, &bounded}) {
    const offset_range fits = take(*m, 503);
    const offset_range wall = take(*m, 1);
    const offset_range shorter = take(*m, 496);
    ASSERT_TRUE(wall);
    m->deallocate(fits.handle);
    m->deallocate(shorter.handle);
  }
  EXPECT_TRUE(exhaustive.allocate({502}));
  EXPECT_FALSE(bounded.allocate({502}));
}

TEST(offset_manager, has_room_for_the_largest_space_and_its_last_unit) {
  offset_manager m({.units = ~std::uint64_t{0}});
  EXPECT_EQ(m.report().units, largest_space);
  const offset_range most = take(m, largest_space - 1);
  const offset_range last = take(m, 1);
  EXPECT_EQ(m.report().free, 0u);
  EXPECT_EQ(m.grow(1), status::too_large);
  m.deallocate(most.handle);
  m.deallocate(last.handle);
  EXPECT_EQ(take(m, largest_space).offset, 0u);
}

TEST(offset_manager, joins_neighbours_whatever_the_order_of_freeing) {
  const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
  for (const auto& order : orders) {
    offset_manager m({.units = 30});
    const offset_range parts[] = {take(m, 10), take(m, 10), take(m, 10)};
    for (const int i : order) {
      m.deallocate(parts[i].handle);
      m.check_invariants();
    }
    EXPECT_EQ(m.report().free_ranges, 1u);
    EXPECT_EQ(m.report().largest_free, 30u);
  }
}

// --- Handles -------------------------------------------------------------------------------------

TEST(offset_manager, knows_stale_handles_and_leaves_everything_as_it_was) {
  test::fault_log faults;
  offset_manager m({.units = 100});
  const offset_range a = take(m, 10);
  m.deallocate(a.handle);
  const offset_range b = take(m, 10);  // the same record
  ASSERT_EQ(b.handle.index, a.handle.index);
  EXPECT_FALSE(m.owns(a.handle));
  EXPECT_FALSE(m.find(a.handle));
  EXPECT_EQ(faults.count(), 0u) << "asking is no fault";
  m.deallocate(a.handle);
  EXPECT_TRUE(faults.took(fault_kind::stale_handle, printed(a.handle)));
  EXPECT_EQ(m.resize(a.handle, 20), status::unsupported);
  EXPECT_TRUE(faults.took(fault_kind::stale_handle, printed(a.handle)));
  m.set_user(a.handle, 1);
  EXPECT_TRUE(faults.took(fault_kind::stale_handle, printed(a.handle)));
  const offset_handle foreign{1'000, 1};
  m.deallocate(foreign);
  EXPECT_TRUE(faults.took(fault_kind::stale_handle, printed(foreign)));
  EXPECT_TRUE(m.owns(b.handle));
  m.check_invariants();
}

TEST(offset_manager, ignores_the_empty_handle) {
  test::fault_log faults;
  offset_manager m({.units = 100});
  m.deallocate({});
  take(m, 1);
  m.deallocate({});
  EXPECT_EQ(faults.count(), 0u);
}

TEST(offset_manager, keeps_a_word_of_the_users_with_each_range) {
  offset_manager m({.units = 100});
  const offset_allocation a = m.allocate({10}, 4711);
  EXPECT_EQ(m.user(a.range.handle), 4711u);
  m.set_user(a.range.handle, 42);
  EXPECT_EQ(m.user(a.range.handle), 42u);
}

TEST(offset_manager, knows_all_handles_to_be_stale_after_free_all) {
  offset_manager m({.units = 100});
  const offset_range a = take(m, 10);
  const offset_range b = take(m, 10);
  m.free_all();
  m.check_invariants();
  EXPECT_FALSE(m.owns(a.handle) || m.owns(b.handle));
  EXPECT_EQ(take(m, 100).offset, 0u);
}

// --- The space -----------------------------------------------------------------------------------

TEST(offset_manager, resizes_in_place_or_not_at_all) {
  offset_manager m({.units = 100, .limit = 80});
  const offset_range a = take(m, 10);
  const offset_range b = take(m, 10);
  EXPECT_EQ(m.resize(a.handle, 11), status::not_enough_memory);
  EXPECT_EQ(m.find(a.handle).units, 10u);
  EXPECT_EQ(m.resize(b.handle, 70), status::success);
  EXPECT_EQ(m.resize(b.handle, 71), status::over_budget);
  EXPECT_EQ(m.resize(b.handle, 0), status::success);
  EXPECT_EQ(m.find(b.handle).units, 1u);
  m.deallocate(a.handle);
  m.check_invariants();
  EXPECT_EQ(m.report().used, 1u);
}

TEST(offset_manager, grows_and_trims_at_the_end) {
  offset_manager m;
  EXPECT_EQ(m.allocate({1}).reason, status::not_enough_memory);
  EXPECT_EQ(m.grow(50), status::success);
  const offset_range a = take(m, 50);
  EXPECT_EQ(m.grow(30), status::success);
  EXPECT_EQ(m.grow(20), status::success);
  const offset_range b = take(m, 50);
  EXPECT_EQ(b.offset, 50u);
  EXPECT_EQ(m.trim(), 0u);
  m.deallocate(b.handle);
  EXPECT_EQ(m.trim(20), 30u);
  EXPECT_EQ(m.trim(), 20u);
  m.check_invariants();
  EXPECT_EQ(m.report().units, 50u);
  m.deallocate(a.handle);
  EXPECT_EQ(m.trim(), 50u);
  m.check_invariants();
  EXPECT_EQ(m.grow(5), status::success);
  EXPECT_EQ(take(m, 5).offset, 0u);
}

TEST(offset_manager, needs_no_more_metadata_than_it_says) {
  for (const std::uint32_t count : {0u, 1u, 2u, 100u}) {
    std::vector<std::byte> block(offset_manager::metadata_size(count) + 1);
    offset_manager m({.units = 2 * count + 1, .block = std::span(block).subspan(1)});
    std::vector<offset_range> all;
    for (std::uint32_t i = 0; i < 2 * count; ++i) {
      const offset_allocation got = m.allocate({1});
      if (!got) break;  // no more than twice as many records, and all ranges side by side
      all.push_back(got.range);
    }
    ASSERT_GE(all.size(), count);
    // Every second range free: the most records for so many used ranges.
    for (std::size_t i = 0; i < all.size(); i += 2) m.deallocate(all[i].handle);
    m.check_invariants();
    EXPECT_EQ(m.report().used_ranges, all.size() / 2);
  }
}

TEST(offset_manager, shortens_a_range_where_all_metadata_is_in_use) {
  std::vector<std::byte> block(offset_manager::metadata_size(1));
  offset_manager m({.units = 64, .first = 1, .block = block});
  const offset_allocation got = m.allocate({.units = 8, .alignment = 16});
  ASSERT_TRUE(got);
  ASSERT_EQ(m.report().free_ranges, 2u) << "in front and behind: each record stands for a range";
  EXPECT_EQ(m.resize(got.range.handle, 3), status::success);
  EXPECT_EQ(m.used(), 3u);
  m.check_invariants();
  EXPECT_EQ(m.resize(got.range.handle, 8), status::success);
  m.check_invariants();
}

TEST(offset_manager, says_when_a_block_for_metadata_is_full) {
  std::vector<std::byte> block(offset_manager::metadata_size(1));
  offset_manager m({.units = 100, .block = block});
  std::vector<offset_handle> live;
  for (;;) {
    const offset_allocation got = m.allocate({1});
    m.check_invariants();
    if (!got) {
      EXPECT_EQ(got.reason, status::no_memory);
      break;
    }
    live.push_back(got.range.handle);
  }
  EXPECT_GE(live.size(), 1u);
  EXPECT_LE(live.size(), 3u);
  for (const offset_handle h : live) m.deallocate(h);
  EXPECT_TRUE(m.allocate({100})) << "a request that needs no new record";
}

TEST(offset_manager, has_no_use_for_a_block_that_is_too_small) {
  std::array<std::byte, 100> block;
  offset_manager m({.units = 100, .block = block});
  EXPECT_EQ(m.allocate({1}).reason, status::no_memory);
  EXPECT_EQ(m.report().largest_free, 100u);
  EXPECT_TRUE(m.image().empty());
}

TEST(offset_manager, reports_bins_that_add_up) {
  offset_manager m({.units = 1'000});
  std::vector<offset_range> all;
  for (int i = 0; i < 40; ++i) all.push_back(take(m, 10 + static_cast<std::uint64_t>(i) % 7));
  for (std::size_t i = 0; i < all.size(); i += 3) m.deallocate(all[i].handle);
  std::uint64_t units = 0;
  std::uint32_t ranges = 0;
  std::uint64_t previous = 0;
  m.for_each_bin([&](const offset_bin& bin) {
    EXPECT_GT(bin.smallest, previous);
    EXPECT_GE(bin.units, bin.ranges * bin.smallest);
    EXPECT_LE(bin.units, bin.ranges * bin.largest);
    previous = bin.largest;
    units += bin.units;
    ranges += bin.ranges;
    return true;
  });
  const offset_report report = m.report();
  EXPECT_EQ(units, report.free);
  EXPECT_EQ(ranges, report.free_ranges);
  EXPECT_EQ(report.free + report.used, report.units);
  EXPECT_GT(report.fragmentation(), 0);
  EXPECT_LT(report.fragmentation(), 1);
}

TEST(offset_manager, walks_all_ranges_in_order_and_stops_when_told) {
  offset_manager m({.units = 30, .first = 100});
  const offset_range a = take(m, 10);
  const offset_range b = take(m, 10);
  m.deallocate(a.handle);
  std::uint64_t at = 100;
  int count = 0;
  m.walk([&](const walked_range& r) {
    EXPECT_EQ(r.range.offset, at);
    EXPECT_EQ(static_cast<bool>(r.range.handle), r.range.offset == b.offset);
    at += r.range.units;
    return ++count < 2;
  });
  EXPECT_EQ(count, 2);
}

}  // namespace
}  // namespace ashlar
