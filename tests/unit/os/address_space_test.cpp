// SPDX-License-Identifier: MIT
// The states of address space: reserve, commit, decommit, discard, release, and what they count.
#include "ashlar/os/address_space.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>
#include <vector>

#include "ashlar/base/bits.hpp"
#include "ashlar/base/units.hpp"
#include "support/counters.hpp"
#include "support/maps.hpp"

namespace ashlar {
namespace {

using os::range;
using test::counter_watch;
using test::rights_at;

bool is_zero(range memory) {
  return std::all_of(memory.data, memory.end(), [](std::byte b) { return b == std::byte{0}; });
}

TEST(address_space, page_sizes_are_powers_of_two) {
  EXPECT_TRUE(is_power_of_two(os::page_size()));
  EXPECT_TRUE(is_power_of_two(os::huge_page_size()));
  EXPECT_GT(os::huge_page_size(), os::page_size());
}

TEST(address_space, reserved_memory_has_no_access_and_is_not_committed) {
  const counter_watch watch;
  const range memory = os::reserve(1_MiB, os::page_size()).value;
  ASSERT_TRUE(memory);
  EXPECT_EQ(rights_at(memory.data), "---p");
  watch.expect(1_MiB, 0);
  os::release(memory, 0);
  watch.expect(0, 0);
}

TEST(address_space, reserve_aligns_up_to_1_gib) {
  for (std::size_t alignment = os::page_size(); alignment <= 1_GiB; alignment *= 2) {
    const counter_watch watch;
    const os_result<range> result = os::reserve(64_KiB, alignment);
    ASSERT_TRUE(result.ok()) << alignment;
    EXPECT_TRUE(is_aligned(address_of(result.value.data), alignment)) << alignment;
    watch.expect(64_KiB, 0);
    os::release(result.value, 0);
    watch.expect(0, 0);
  }
}

TEST(address_space, regions_of_one_size_mostly_cost_one_call_each) {
  std::vector<range> regions{os::reserve(4_MiB, 4_MiB).value};
  const counter_watch watch;
  for (int i = 0; i < 32; ++i) regions.push_back(os::reserve(4_MiB, 4_MiB).value);
  // Where other mappings lie in the way, a region costs three. Over-reserving would cost four each.
  EXPECT_LE(watch.calls(), 40u);
  for (const range& region : regions) os::release(region, 0);
}

TEST(address_space, reserving_and_releasing_in_turn_stays_in_place) {
  const range first = os::reserve(4_MiB, 4_MiB).value;
  os::release(first, 0);
  for (int i = 0; i < 100; ++i) {
    const range next = os::reserve(4_MiB, 4_MiB).value;
    EXPECT_EQ(next.data, first.data);
    os::release(next, 0);
  }
}

TEST(address_space, absurd_sizes_are_refused_and_change_nothing) {
  const counter_watch watch;
  const std::size_t huge = align_down(max_size, os::page_size());
  EXPECT_EQ(os::reserve(huge, os::page_size()).error.code, ENOMEM);
  EXPECT_EQ(os::reserve(huge, 1_GiB).error.code, ENOMEM);
  EXPECT_EQ(os::reserve_committed(huge, os::page_size()).error.code, ENOMEM);
  EXPECT_EQ(os::reserve_mirrored(huge + os::page_size()).error.code, ENOMEM);
  watch.expect(0, 0);
}

TEST(address_space, committed_memory_reads_zero_and_can_be_written) {
  const counter_watch watch;
  const range memory = os::reserve(1_MiB, 64_KiB).value;
  const range part{memory.data + 64_KiB, 128_KiB};
  ASSERT_TRUE(os::commit(part).ok());
  EXPECT_TRUE(is_zero(part));
  std::memset(part.data, 0xa5, part.size);
  watch.expect(1_MiB, 128_KiB);
  EXPECT_EQ(rights_at(part.data), "rw-p");
  EXPECT_EQ(rights_at(part.data - 1), "---p");
  EXPECT_EQ(rights_at(part.end()), "---p");
  os::release(memory, part.size);
  watch.expect(0, 0);
}

TEST(address_space, decommit_takes_access_pages_and_contents) {
  const counter_watch watch;
  const range memory = os::reserve_committed(256_KiB, 64_KiB).value;
  std::memset(memory.data, 1, memory.size);
  const range part{memory.data + 64_KiB, 64_KiB};
  ASSERT_TRUE(os::decommit(part).ok());
  EXPECT_EQ(rights_at(part.data), "---p");
  EXPECT_EQ(os::resident_bytes(part), 0u);
  watch.expect(256_KiB, 192_KiB);
  EXPECT_EQ(watch.discarded(), 64_KiB);
  ASSERT_TRUE(os::commit(part).ok());
  EXPECT_TRUE(is_zero(part));
  os::release(memory, memory.size);
  watch.expect(0, 0);
}

TEST(address_space, discard_gives_the_pages_back_and_keeps_access) {
  const counter_watch watch;
  const range memory = os::reserve_committed(256_KiB, 64_KiB).value;
  std::memset(memory.data, 1, memory.size);
  ASSERT_TRUE(os::discard(memory).ok());
  EXPECT_EQ(os::resident_bytes(memory), 0u);
  EXPECT_TRUE(is_zero(memory));
  watch.expect(256_KiB, 256_KiB);
  EXPECT_EQ(watch.discarded(), 256_KiB);
  os::release(memory, memory.size);
}

TEST(address_space, parts_of_a_reservation_can_be_released) {
  const counter_watch watch;
  const range memory = os::reserve_committed(192_KiB, 64_KiB).value;
  os::release({memory.data + 64_KiB, 64_KiB}, 64_KiB);
  watch.expect(128_KiB, 128_KiB);
  memory.data[0] = std::byte{1};
  memory.data[128_KiB] = std::byte{1};
  os::release({memory.data, 64_KiB}, 64_KiB);
  os::release({memory.data + 128_KiB, 64_KiB}, 64_KiB);
  watch.expect(0, 0);
}

TEST(address_space, readable_memory_is_zero_and_becomes_writable_in_parts) {
  const counter_watch watch;
  const range memory = os::reserve_readable(1_GiB).value;
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory.data[1_GiB - 1], std::byte{0});
  const range part{memory.data + 512_MiB, 64_KiB};
  ASSERT_TRUE(os::commit(part).ok());
  part.data[5] = std::byte{5};
  watch.expect(1_GiB, 64_KiB);
  os::release(memory, part.size);
  watch.expect(0, 0);
}

TEST(address_space, protect_sets_the_rights) {
  const range memory = os::reserve_committed(64_KiB, os::page_size()).value;
  ASSERT_TRUE(os::protect(memory, os::access::read).ok());
  EXPECT_EQ(rights_at(memory.data), "r--p");
  ASSERT_TRUE(os::protect(memory, os::access::none).ok());
  EXPECT_EQ(rights_at(memory.data), "---p");
  ASSERT_TRUE(os::protect(memory, os::access::read_write).ok());
  EXPECT_EQ(rights_at(memory.data), "rw-p");
  os::release(memory, memory.size);
}

TEST(address_space, populate_brings_the_pages_in) {
  const range memory = os::reserve_committed(1_MiB, os::page_size()).value;
  EXPECT_EQ(os::resident_bytes(memory), 0u);
  if (!os::populate(memory).ok()) return;  // a hint that kernels before 5.14 do not know
  EXPECT_EQ(os::resident_bytes(memory), 1_MiB);
  os::release(memory, memory.size);
}

TEST(address_space, resident_bytes_counts_touched_pages_of_large_ranges) {
  const range memory = os::reserve(64_MiB, os::page_size()).value;
  ASSERT_TRUE(os::commit(memory).ok());
  static_cast<void>(os::advise_huge(memory, false));
  for (std::size_t at = 0; at < memory.size; at += 8_MiB) memory.data[at] = std::byte{1};
  EXPECT_EQ(os::resident_bytes(memory), 8 * os::page_size());
  os::release(memory, memory.size);
}

TEST(address_space, a_name_is_accepted_or_refused_without_harm) {
  const range memory = os::reserve_committed(64_KiB, os::page_size()).value;
  const os_error error = os::set_name(memory, "ashlar test");
  EXPECT_TRUE(error.ok() || error.code == EINVAL) << error.code;
  memory.data[0] = std::byte{1};
  os::release(memory, memory.size);
}

TEST(address_space, the_peak_is_the_most_that_was_committed) {
  const range memory = os::reserve_committed(32_MiB, os::page_size()).value;
  const std::size_t then = os::current_counters().committed;
  os::release(memory, memory.size);
  EXPECT_GE(os::current_counters().peak_committed, then);
  EXPECT_EQ(os::current_counters().committed, then - 32_MiB);
}

TEST(address_space, errno_stays_as_it_was) {
  errno = 12345;
  const std::size_t huge = align_down(max_size, os::page_size());
  EXPECT_FALSE(os::reserve(huge, os::page_size()).ok());
  const range memory = os::reserve_committed(64_KiB, os::page_size()).value;
  static_cast<void>(os::set_name(memory, "ashlar test"));
  static_cast<void>(os::advise_huge(memory, true));
  EXPECT_FALSE(os::resize(memory, huge, true).ok());
  os::release(memory, memory.size);
  EXPECT_EQ(errno, 12345);
}

TEST(address_space, counters_stay_exact_under_threads) {
  const counter_watch watch;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([] {
      for (int i = 0; i < 200; ++i) {
        const range memory = os::reserve(256_KiB, 64_KiB).value;
        const range part{memory.data + 64_KiB, 64_KiB};
        EXPECT_TRUE(os::commit(part).ok());
        part.data[0] = std::byte{1};
        const bool decommitted = i % 2 == 0 && os::decommit(part).ok();
        os::release(memory, decommitted ? 0 : part.size);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  watch.expect(0, 0);
}

}  // namespace
}  // namespace ashlar
