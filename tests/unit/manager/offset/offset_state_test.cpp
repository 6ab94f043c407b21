// SPDX-License-Identifier: MIT
// The state of an offset manager as bytes: images, shared blocks, adoption.
#include "ashlar/manager/offset/offset_manager.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "support/fault_log.hpp"
#include "support/random.hpp"
#include "unit/manager/offset/ranges.hpp"

namespace ashlar {
namespace {

using test::take;

constexpr std::uint64_t largest_space = offset_bins::max_units;

TEST(offset_manager, goes_on_from_an_image_of_another) {
  offset_manager first({.units = 500});
  const offset_range a = take(first, 10);
  const offset_range b = take(first, 20, 64);
  first.deallocate(a.handle);
  const std::span<const std::byte> image = first.image();
  const std::vector<std::byte> file(image.begin(), image.end());

  offset_manager second;
  ASSERT_TRUE(second.restore(file));
  second.check_invariants();
  EXPECT_EQ(second.find(b.handle).offset, b.offset);
  EXPECT_FALSE(second.owns(a.handle));
  EXPECT_EQ(take(second, 480 - b.offset).units, 480 - b.offset);
}

TEST(offset_manager, shares_its_state_in_a_block_that_others_see) {
  alignas(8) static std::array<std::byte, 16'384> shared;
  offset_manager writer({.units = 500, .block = shared});
  const offset_range a = take(writer, 10);
  offset_manager reader({.block = shared});
  ASSERT_TRUE(reader.restore(shared));
  EXPECT_EQ(reader.find(a.handle).offset, a.offset);
  const offset_range b = take(reader, 10);
  EXPECT_EQ(writer.find(b.handle).offset, b.offset) << "the same records";
  writer.deallocate(a.handle);
  EXPECT_FALSE(reader.owns(a.handle));
  reader.check_invariants();
}

TEST(offset_manager, refuses_bytes_that_are_no_sound_image_and_goes_on_as_before) {
  offset_manager source({.units = 500});
  for (int i = 0; i < 20; ++i) take(source, 10);
  const std::span<const std::byte> image = source.image();
  test::random_source random(3);
  int refused = 0;
  for (int round = 0; round < 3'000; ++round) {
    std::vector<std::byte> bytes(image.begin(), image.end());
    for (std::size_t n = 1 + random.below(4); n-- > 0;)
      bytes[random.below(bytes.size())] = static_cast<std::byte>(random.next());
    if (random.one_in(4)) bytes.resize(random.below(bytes.size()));
    offset_manager m({.units = 77});
    if (m.restore(bytes)) {
      m.check_invariants();
      continue;
    }
    ++refused;
    m.check_invariants();
    EXPECT_EQ(m.report().units, 77u);
    EXPECT_TRUE(m.allocate({77}));
  }
  EXPECT_GT(refused, 500) << "the rest changed what may be changed, as bins that are not filled";
}

TEST(offset_manager, is_adopted_with_its_ranges) {
  test::fault_log faults;
  offset_manager from({.units = 500});
  const offset_range a = take(from, 10);
  offset_manager to({.units = 5});
  to.adopt(from);
  EXPECT_EQ(to.find(a.handle).offset, a.offset);
  EXPECT_EQ(from.report().units, 0u);
  EXPECT_FALSE(from.allocate({1}));
  to.adopt(from);
  EXPECT_TRUE(faults.took(fault_kind::still_in_use, &to));
  EXPECT_TRUE(to.owns(a.handle));
}

TEST(offset_manager, knows_stale_handles_after_a_restore_that_failed) {
  offset_manager m({.units = 1000});
  const offset_range old = take(m, 10);
  m.deallocate(old.handle);
  const std::vector<std::byte> junk(5000);
  EXPECT_FALSE(m.restore(junk));
  take(m, 10);
  EXPECT_FALSE(m.owns(old.handle));
  EXPECT_EQ(m.report().peak_used, 10u);
}

TEST(offset_manager, restores_no_image_with_a_number_that_nothing_has) {
  offset_manager m({.units = 1000});
  const offset_range a = take(m, 10);
  take(m, 10);
  m.deallocate(a.handle);
  const auto image = m.image();
  const std::vector<std::byte> good(image.begin(), image.end());
  for (const std::size_t place :
       {offsetof(offset_image, sweep), offsetof(offset_image, has_changed)}) {
    std::vector<std::byte> bad = good;
    bad[place] = std::byte{77};
    EXPECT_FALSE(offset_manager().restore(bad));
  }
  EXPECT_TRUE(offset_manager().restore(good));
}

TEST(offset_manager, restores_no_image_in_which_two_targets_are_held_for_one_range) {
  offset_manager m({.units = 1000});
  std::vector<offset_range> ranges;
  for (int i = 0; i < 8; ++i) ranges.push_back(take(m, 10));
  for (int i = 0; i < 4; ++i) m.deallocate(ranges[static_cast<std::size_t>(i) * 2].handle);
  std::array<offset_move, 2> moves;
  ASSERT_EQ(m.begin_moves(moves, {}).moves, 2u);
  const auto image = m.image();
  std::vector<std::byte> bad(image.begin(), image.end());
  auto* const records = reinterpret_cast<offset_image*>(bad.data())->records();
  records[moves[1].target.index].user = moves[0].handle.index;
  EXPECT_FALSE(offset_manager().restore(bad));
}

}  // namespace
}  // namespace ashlar
