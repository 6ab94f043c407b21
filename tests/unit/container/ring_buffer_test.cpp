// SPDX-License-Identifier: MIT
#include "ashlar/ring_buffer.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <deque>
#include <vector>

#include "ashlar/base/units.hpp"
#include "ashlar/container/refusal.hpp"
#include "support/counters.hpp"
#include "support/fake_os.hpp"
#include "support/fault_log.hpp"
#include "support/random.hpp"
#include "support/scale.hpp"

namespace ashlar {
namespace {

using test::call_kind;
using test::fake_os;

// The system's, without the mirror: what a user's block looks like to a ring.
os_manager& plain_os() {
  static constinit os_manager plain({
      .reserve = [](void*, std::size_t size,
                    std::size_t alignment) { return system_os().reserve(size, alignment); },
      .release = [](void*, os::range memory,
                    std::size_t committed) { system_os().release(memory, committed); },
      .commit = [](void*, os::range part) { return system_os().commit(part); },
      .zeroed = true,
  });
  return plain;
}

class ring_buffer_test : public testing::TestWithParam<bool> {
 protected:
  static os_manager& os() { return GetParam() ? system_os() : plain_os(); }
};
INSTANTIATE_TEST_SUITE_P(mirrored_and_plain, ring_buffer_test, testing::Bool());

std::vector<std::byte> bytes_from(std::size_t first, std::size_t count) {
  std::vector<std::byte> bytes(count);
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::byte>((first + i) * 167 >> 3);
  return bytes;
}

TEST_P(ring_buffer_test, rounds_its_capacity_up_to_pages) {
  const ring_buffer ring(100, os());
  EXPECT_EQ(ring.capacity(), os::page_size());
  EXPECT_EQ(ring.mirrored(), GetParam());
  EXPECT_TRUE(ring.empty());
}

TEST_P(ring_buffer_test, gives_all_free_and_all_filled_bytes_as_one_span_each) {
  ring_buffer ring(1, os());
  const std::size_t capacity = ring.capacity();
  std::size_t written = 0;
  std::size_t taken = 0;
  for (std::size_t step = 1; step < 300; ++step) {
    ASSERT_EQ(ring.write_space().size(), capacity - ring.size());
    const auto in = bytes_from(written, std::min(step * 37 % capacity, capacity - ring.size()));
    std::copy(in.begin(), in.end(), ring.write_space().begin());
    ring.wrote(in.size());
    written += in.size();
    ASSERT_EQ(ring.read_space().size(), written - taken);
    const auto expected = bytes_from(taken, ring.size());
    ASSERT_TRUE(std::ranges::equal(ring.read_space(), expected));
    const std::size_t out = std::min(step * 53 % capacity, ring.size());
    ring.consumed(out);
    taken += out;
  }
  EXPECT_GT(written, 3 * capacity);
}

TEST_P(ring_buffer_test, behaves_like_a_queue_of_bytes) {
  test::random_source random(GetParam() ? 11 : 12);
  ring_buffer ring(3 * os::page_size(), os());
  std::deque<std::byte> model;
  std::size_t written = 0;
  for (std::size_t i = 0; i < test::scaled(6000); ++i) {
    if (random.one_in(2)) {
      const auto in = bytes_from(written, random.log_uniform(2 * ring.capacity()));
      const std::size_t room = ring.capacity() - ring.size();
      const std::size_t count = ring.write(in);
      ASSERT_EQ(count, std::min(room, in.size()));
      model.insert(model.end(), in.begin(), in.begin() + static_cast<std::ptrdiff_t>(count));
      written += count;
    } else {
      std::vector<std::byte> out(random.log_uniform(2 * ring.capacity()));
      const std::size_t count = ring.read(out);
      ASSERT_EQ(count, std::min(model.size(), out.size()));
      const auto end = model.begin() + static_cast<std::ptrdiff_t>(count);
      ASSERT_TRUE(std::equal(model.begin(), end, out.begin()));
      model.erase(model.begin(), end);
    }
    ASSERT_EQ(ring.size(), model.size());
    ASSERT_EQ(ring.full(), model.size() == ring.capacity());
    if (random.one_in(500)) {
      ring.clear();
      model.clear();
    }
  }
}

TEST_P(ring_buffer_test, passes_its_contents_on_when_it_moves) {
  const test::counter_watch watch;
  {
    ring_buffer a(1, os());
    ASSERT_EQ(a.write(bytes_from(0, 100)), 100u);
    ring_buffer b = std::move(a);
    EXPECT_TRUE(std::ranges::equal(b.read_space(), bytes_from(0, 100)));
    EXPECT_EQ(a.capacity(), 0u);
    EXPECT_TRUE(a.write_space().empty());
    ring_buffer c(1_MiB, os());
    c = std::move(b);
    EXPECT_EQ(c.size(), 100u);
    ASSERT_EQ(c.try_open(2_MiB, os()), status::success);
    EXPECT_EQ(c.size(), 0u);
    EXPECT_EQ(c.capacity(), 2_MiB);
  }
  watch.expect(0, 0);
}

TEST(ring_buffer, is_the_same_memory_on_both_sides_of_the_seam) {
  ring_buffer ring(1);
  ASSERT_TRUE(ring.mirrored());
  ring.wrote(ring.capacity());
  ring.consumed(ring.capacity() - 1);
  ring.write_space()[0] = std::byte{42};
  ring.wrote(1);
  const std::byte* const seam = ring.read_space().data() + 1;
  EXPECT_EQ(*seam, std::byte{42});
  EXPECT_EQ(*(seam - ring.capacity()), std::byte{42});
}

TEST(ring_buffer, falls_back_to_a_plain_buffer_at_any_refused_step_of_the_mirror) {
  const test::counter_watch watch;
  for (const call_kind step : {call_kind::create_file, call_kind::map}) {
    fake_os os;
    if (step == call_kind::map)
      os.refuse_call(3);  // the first half over the reservation
    else
      os.refuse_all(step);
    ring_buffer ring(64_KiB);
    EXPECT_FALSE(ring.mirrored());
    EXPECT_EQ(ring.capacity(), 64_KiB);
    EXPECT_EQ(ring.write_space().size(), 64_KiB);
    std::ranges::fill(ring.write_space(), std::byte{1});
  }
  watch.expect(0, 0);
}

// The kernel ends whoever sets the size of a file beyond the limit, of one in memory, too.
TEST(ring_buffer, falls_back_to_a_plain_buffer_where_files_may_not_be_so_large) {
  rlimit usual{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &usual), 0);
  const rlimit tight = {.rlim_cur = 64_KiB, .rlim_max = usual.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &tight), 0);
  const ring_buffer fits(64_KiB);
  const ring_buffer too_large(128_KiB);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &usual), 0);
  EXPECT_TRUE(fits.mirrored());
  EXPECT_FALSE(too_large.mirrored());
  EXPECT_EQ(too_large.capacity(), 128_KiB);
}

TEST(ring_buffer, tells_why_there_is_no_ring) {
  fake_os os;
  os.limit_address_space(0);
  ring_buffer ring;
  EXPECT_EQ(ring.try_open(64_KiB), status::no_memory);
  EXPECT_EQ(ring.try_open(max_size), status::too_large);
  EXPECT_EQ(ring.capacity(), 0u);
  EXPECT_EQ(ring.write(bytes_from(0, 10)), 0u);
  EXPECT_THROW(ring_buffer(64_KiB), bad_allocation);
}

TEST(ring_buffer, notices_more_than_there_is_room_for_and_more_than_there_is) {
  test::fault_log faults;
  ring_buffer ring(1);
  const std::byte* const start = ring.read_space().data();
  ring.wrote(100);
  ring.wrote(ring.capacity() - 99);
  EXPECT_TRUE(faults.took(fault_kind::overrun, start));
  ring.consumed(101);
  EXPECT_TRUE(faults.took(fault_kind::pop_beyond_start, start));
  EXPECT_EQ(ring.size(), 100u);
  ring.consumed(100);
  EXPECT_EQ(faults.count(), 0u);
  ring_buffer closed;
  std::byte none[1] = {};
  EXPECT_EQ(closed.read(none), 0u);
  EXPECT_EQ(closed.write(none), 0u);
  closed.consumed(0);
  EXPECT_EQ(faults.count(), 0u);
  closed.wrote(1);
  EXPECT_TRUE(faults.took(fault_kind::overrun, nullptr));
}

}  // namespace
}  // namespace ashlar
