// SPDX-License-Identifier: MIT
// What is left after the system said no: nothing is lost, and the counters are right.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <functional>

#include "ashlar/base/macros.hpp"
#include "ashlar/base/units.hpp"
#include "ashlar/os/address_space.hpp"
#include "ashlar/os/fault_injection.hpp"
#include "support/counters.hpp"
#include "support/fake_os.hpp"

namespace ashlar {
namespace {

using os::range;
using test::call_kind;
using test::counter_watch;
using test::fake_os;

/// Runs `operation` with its first, second, ... call refused, until it makes no more calls than
/// that. After each run nothing may be left over.
void expect_nothing_left_at_any_refusal(const std::function<void()>& operation) {
  for (unsigned n = 1; n <= 100; ++n) {
    const counter_watch watch;
    fake_os os;
    os.refuse_call(n);
    operation();
    const bool was_refused = os.log().size() >= n;
    os.accept_all();
    // Whatever the system did not take back is offered again now.
    os::release(os::reserve(64_KiB, 64_KiB).value, 0);
    watch.expect(0, 0);
    if (!was_refused) return;
  }
  FAIL() << "the operation makes ever more calls";
}

TEST(refusal, of_any_call_of_reserve_leaves_nothing_behind) {
  expect_nothing_left_at_any_refusal([] {
    const os_result<range> result = os::reserve(64_KiB, 1_GiB);
    if (result.ok()) os::release(result.value, 0);
  });
}

TEST(refusal, of_any_call_of_commit_and_decommit_keeps_the_counters_right) {
  expect_nothing_left_at_any_refusal([] {
    const os_result<range> result = os::reserve(256_KiB, 64_KiB);
    if (!result.ok()) return;
    const range part{result.value.data, 64_KiB};
    bool is_committed = os::commit(part).ok();
    if (is_committed) is_committed = !os::decommit(part).ok();
    os::release(result.value, is_committed ? part.size : 0);
  });
}

TEST(refusal, of_any_call_of_resize_keeps_the_range) {
  expect_nothing_left_at_any_refusal([] {
    os_result<range> result = os::reserve_committed(256_KiB, os::page_size());
    if (!result.ok()) return;
    range memory = result.value;
    memory.data[9] = std::byte{9};
    result = os::resize(memory, 1_MiB, true);
    if (result.ok()) memory = result.value;
    EXPECT_EQ(memory.data[9], std::byte{9});
    os::release(memory, memory.size);
  });
}

TEST(refusal, of_any_call_of_resize_into_keeps_one_of_both) {
  expect_nothing_left_at_any_refusal([] {
    const os_result<range> from = os::reserve_committed(256_KiB, os::page_size());
    const os_result<range> target = os::reserve(1_MiB, 64_KiB);
    const bool have_both = from.ok() && target.ok();
    const bool has_moved = have_both && os::resize_into(from.value, target.value).ok();
    if (target.ok()) os::release(target.value, has_moved ? target.value.size : 0);
    if (from.ok() && !has_moved) os::release(from.value, from.value.size);
  });
}

TEST(refusal, of_any_call_of_the_mirror_leaves_no_descriptor_open) {
  const int lowest_free = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::close(lowest_free);
  expect_nothing_left_at_any_refusal([] {
    const os_result<range> result = os::reserve_mirrored(64_KiB);
    if (result.ok()) os::release_mirrored(result.value);
  });
  const int still_free = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::close(still_free);
  EXPECT_EQ(still_free, lowest_free);
}

TEST(refusal, of_a_release_gives_the_pages_back_and_the_range_later) {
  const counter_watch watch;
  const range memory = os::reserve_committed(1_MiB, os::page_size()).value;
  std::memset(memory.data, 1, memory.size);
  fake_os os;
  os.refuse_all(call_kind::unmap);
  os::release(memory, memory.size);
  watch.expect(1_MiB, 1_MiB);
  EXPECT_EQ(os::resident_bytes(memory), 0u);
  os.accept_all();
  const range other = os::reserve(64_KiB, os::page_size()).value;
  watch.expect(64_KiB, 0);
  os::release(other, 0);
  watch.expect(0, 0);
}

#if !ASHLAR_TSAN  // ThreadSanitizer's own thread needs mappings meanwhile
TEST(refusal, for_want_of_mappings_is_survived) {
  const counter_watch watch;
  constexpr std::size_t most = 200'000;
  const std::size_t page = os::page_size();
  const range memory = os::reserve_committed(most * page, page).value;
  ASSERT_TRUE(memory);
  // Each hole costs two mappings. The kernel's default allows 65,530 in a process.
  std::size_t holes = 0;
  while (2 * holes + 3 < most && os::decommit({memory.data + 2 * holes * page, page}).ok()) ++holes;
  // Until the holes are released nobody may need a mapping: no check that could allocate is made.
  const range rest{memory.data + 2 * holes * page, memory.size - 2 * holes * page};
  const range middle{rest.data + page, page};
  middle.data[0] = std::byte{1};
  const bool is_refused = !os::decommit(middle).ok();
  const bool is_discarded = os::discard(middle).ok() && middle.data[0] == std::byte{0};
  os::release(middle, is_refused ? page : 0);
  const std::size_t reserved = watch.reserved();
  const std::size_t committed = watch.committed();
  os::release({rest.data, page}, page);
  os::release({middle.end(), rest.size - 2 * page}, rest.size - 2 * page);
  os::release({memory.data, 2 * holes * page}, holes * page);
  os::release(os::reserve(page, page).value, 0);
  watch.expect(0, 0);
  EXPECT_TRUE(is_discarded);
  if (!is_refused) return;  // this system allows more mappings than the test makes: none is refused
  EXPECT_EQ(reserved, memory.size) << "what was refused is still counted";
  EXPECT_EQ(committed, memory.size - holes * page);
}
#endif

TEST(refusal, reports_the_error_of_the_system) {
  const range memory = os::reserve_committed(64_KiB, os::page_size()).value;
  fake_os os;
  os.refuse_all(call_kind::advise, EAGAIN);
  EXPECT_EQ(os::discard(memory).code, EAGAIN);
  os.refuse_all(call_kind::protect, EACCES);
  EXPECT_EQ(os::protect(memory, os::access::read).code, EACCES);
  os.refuse_all(call_kind::residency, EFAULT);
  EXPECT_EQ(os::resident_bytes(memory), 0u);
  os.accept_all();
  os::release(memory, memory.size);
}

TEST(fake_os, has_a_tiny_address_space) {
  fake_os os;
  os.limit_address_space(256_KiB);
  EXPECT_EQ(os::reserve(512_KiB, os::page_size()).error.code, ENOMEM);
  const range memory = os::reserve_committed(192_KiB, os::page_size()).value;
  ASSERT_TRUE(memory);
  EXPECT_EQ(os::reserve(128_KiB, os::page_size()).error.code, ENOMEM);
  EXPECT_EQ(os::resize(memory, 512_KiB, true).error.code, ENOMEM);
  os::release(memory, memory.size);
  EXPECT_EQ(os.count(call_kind::unmap), 1u);
  EXPECT_EQ(os.log().back().address, reinterpret_cast<std::uintptr_t>(memory.data));
  const os_result<range> again = os::reserve(256_KiB, os::page_size());
  ASSERT_TRUE(again.ok());
  os::release(again.value, 0);
}

TEST(reserve, works_where_there_is_no_room_for_the_alignment) {
  fake_os os;
  os.limit_address_space(5_MiB);  // less than the 4 + 4 MiB that over-reserving needs
  const os_result<range> result = os::reserve(4_MiB, 4_MiB);
  ASSERT_TRUE(result.ok());
  os::release(result.value, 0);
}

TEST(fault_injection, lets_the_chosen_calls_fail) {
  const std::uint64_t before = os::injected_failures();
  const range memory = os::reserve_committed(64_KiB, os::page_size()).value;
  os::fail_nth_call(2, 3);
  bool outcomes[9];
  for (bool& outcome : outcomes) outcome = os::discard(memory).ok();
  os::fail_nth_call(0, 0);
  for (int i = 0; i < 9; ++i) EXPECT_EQ(outcomes[i], i != 1 && i != 4 && i != 7) << i;
  EXPECT_EQ(os::injected_failures() - before, 3u);
  EXPECT_TRUE(os::discard(memory).ok());
  os::release(memory, memory.size);
}

TEST(fault_injection, without_interval_lets_one_call_fail) {
  const counter_watch watch;
  os::fail_nth_call(1, 0);
  EXPECT_EQ(os::reserve(64_KiB, os::page_size()).error.code, ENOMEM);
  watch.expect(0, 0);
  const os_result<range> result = os::reserve(64_KiB, os::page_size());
  ASSERT_TRUE(result.ok());
  os::release(result.value, 0);
}

}  // namespace
}  // namespace ashlar
