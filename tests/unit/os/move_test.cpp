// SPDX-License-Identifier: MIT
// Moving pages instead of bytes: resize, resize_into, move_pages, and the mirrored ring.
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>

#include "ashlar/base/bits.hpp"
#include "ashlar/base/units.hpp"
#include "ashlar/os/address_space.hpp"
#include "support/counters.hpp"
#include "support/maps.hpp"

namespace ashlar {
namespace {

using os::range;
using test::counter_watch;
using test::rights_at;

// Fills with bytes that depend on the place, so that a shifted copy is noticed.
void fill(range memory) {
  for (std::size_t i = 0; i < memory.size; ++i)
    memory.data[i] = static_cast<std::byte>(i * 7 + i / 4096);
}

bool is_filled(range memory) {
  for (std::size_t i = 0; i < memory.size; ++i) {
    if (memory.data[i] != static_cast<std::byte>(i * 7 + i / 4096)) return false;
  }
  return true;
}

TEST(resize, keeps_the_contents_when_it_grows_and_shrinks) {
  const counter_watch watch;
  range memory = os::reserve_committed(1_MiB, os::page_size()).value;
  fill(memory);
  memory = os::resize(memory, 16_MiB, true).value;
  ASSERT_EQ(memory.size, 16_MiB);
  EXPECT_TRUE(is_filled({memory.data, 1_MiB}));
  EXPECT_EQ(memory.data[1_MiB], std::byte{0});
  watch.expect(16_MiB, 16_MiB);
  memory = os::resize(memory, 64_KiB, false).value;
  ASSERT_EQ(memory.size, 64_KiB);
  EXPECT_TRUE(is_filled(memory));
  watch.expect(64_KiB, 64_KiB);
  os::release(memory, memory.size);
  watch.expect(0, 0);
}

TEST(resize, in_place_fails_where_the_neighbour_is_in_use) {
  const range both = os::reserve_committed(128_KiB, os::page_size()).value;
  const range lower{both.data, 64_KiB};
  fill(lower);
  ASSERT_TRUE(os::protect({both.data + 64_KiB, 64_KiB}, os::access::read).ok());
  const counter_watch watch;
  EXPECT_EQ(os::resize(lower, 128_KiB, false).error.code, ENOMEM);
  EXPECT_TRUE(is_filled(lower));
  watch.expect(0, 0);
  os::release(both, both.size);
}

TEST(resize, absurd_growth_is_refused_and_changes_nothing) {
  const range memory = os::reserve_committed(64_KiB, os::page_size()).value;
  fill(memory);
  const counter_watch watch;
  EXPECT_FALSE(os::resize(memory, align_down(max_size, os::page_size()), true).ok());
  EXPECT_TRUE(is_filled(memory));
  watch.expect(0, 0);
  os::release(memory, memory.size);
}

TEST(resize_into, moves_into_an_aligned_reservation) {
  const counter_watch watch;
  const range from = os::reserve_committed(1_MiB, os::page_size()).value;
  fill(from);
  const range target = os::reserve(4_MiB, 4_MiB).value;
  ASSERT_TRUE(os::resize_into(from, target).ok());
  EXPECT_TRUE(is_filled({target.data, 1_MiB}));
  EXPECT_EQ(target.data[4_MiB - 1], std::byte{0});
  EXPECT_EQ(rights_at(target.end() - 1), "rw-p");
  watch.expect(4_MiB, 4_MiB);
  os::release(target, target.size);
  watch.expect(0, 0);
}

TEST(resize_into, leaves_both_ranges_as_they_were_when_refused) {
  const range from = os::reserve_committed(128_KiB, os::page_size()).value;
  fill(from);
  // Two kinds of rights make two mappings, which mremap does not move at once.
  ASSERT_TRUE(os::protect({from.data + 64_KiB, 64_KiB}, os::access::read).ok());
  const range target = os::reserve(256_KiB, 64_KiB).value;
  const counter_watch watch;
  EXPECT_FALSE(os::resize_into(from, target).ok());
  EXPECT_TRUE(is_filled(from));
  EXPECT_EQ(rights_at(target.data), "---p");
  EXPECT_EQ(rights_at(target.end() - 1), "---p");
  watch.expect(0, 0);
  os::release(from, from.size);
  os::release(target, 0);
}

TEST(move_pages, moves_contents_and_leaves_zeroes) {
  const range from = os::reserve_committed(256_KiB, os::page_size()).value;
  const range to = os::reserve_committed(256_KiB, os::page_size()).value;
  fill(from);
  std::memset(to.data, 0xee, to.size);
  const counter_watch watch;
  const os_error error = os::move_pages(from, to);
  if (error.code == ENOSYS) return;  // what the contract promises of kernels before 5.7
  ASSERT_TRUE(error.ok()) << error.code;
  EXPECT_TRUE(is_filled(to));
  EXPECT_EQ(from.data[0], std::byte{0});
  EXPECT_EQ(from.data[from.size - 1], std::byte{0});
  watch.expect(0, 0);
  os::release(from, from.size);
  os::release(to, to.size);
}

TEST(mirror, shows_the_same_bytes_twice) {
  const counter_watch watch;
  const std::size_t size = 64_KiB;
  const range ring = os::reserve_mirrored(size).value;
  ASSERT_EQ(ring.size, 2 * size);
  watch.expect(2 * size, size);
  std::memcpy(ring.data + size - 4, "wrapping", 8);
  EXPECT_EQ(std::memcmp(ring.data, "ping", 4), 0);
  EXPECT_EQ(std::memcmp(ring.data + 2 * size - 4, "wrap", 4), 0);
  os::release_mirrored(ring);
  watch.expect(0, 0);
}

}  // namespace
}  // namespace ashlar
