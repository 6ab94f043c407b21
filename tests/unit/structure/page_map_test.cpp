// SPDX-License-Identifier: MIT
// Any address finds its header and route, in the flat map and in the compact one.
//
// The map is one for the process, so each test lives in a process of its own.
#include "ashlar/structure/page_map.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "ashlar/base/units.hpp"
#include "ashlar/heap/slab.hpp"
#include "ashlar/os/address_space.hpp"
#include "support/child.hpp"
#include "support/counters.hpp"
#include "support/fake_os.hpp"

namespace ashlar {
namespace {

using test::call_kind;
using test::fake_os;

constexpr std::uintptr_t top_address = (std::uintptr_t{1} << page_map::address_bits) - slice_size;

slab* header_number(std::uintptr_t n) { return reinterpret_cast<slab*>(n * 64); }

// A child may have inherited the map of tests before.
void start_anew() {
  process_page_map.release();
  ASSERT_TRUE(process_page_map.initialize().ok());
}

void expect_nothing_at(const void* p) {
  EXPECT_EQ(process_page_map.header_of(p), nullptr);
  EXPECT_EQ(process_page_map.header_acquired(p), nullptr);
  EXPECT_EQ(routes[page_map::route_index(address_of(p))].code, 0u);
}

void expect_headers_to_be_kept() {
  // The first and last slices of steps and leaves, and of the address space.
  const std::uintptr_t places[] = {slice_size, 512_MiB - slice_size, 512_MiB,    4_GiB - slice_size,
                                   4_GiB,      0x5555'5555'0000,     top_address};
  std::uintptr_t n = 1;
  for (const std::uintptr_t place : places) {
    ASSERT_TRUE(process_page_map.prepare(at_address(place), slice_size).ok());
    expect_nothing_at(at_address(place));
    process_page_map.set_header(at_address(place), header_number(n++));
  }
  n = 1;
  for (const std::uintptr_t place : places) {
    EXPECT_EQ(process_page_map.header_of(at_address(place)), header_number(n));
    EXPECT_EQ(process_page_map.header_of(at_address(place + slice_size - 1)), header_number(n));
    EXPECT_EQ(process_page_map.header_acquired(at_address(place)), header_number(n));
    ++n;
    process_page_map.set_header(at_address(place), nullptr);
    expect_nothing_at(at_address(place));
  }
}

void expect_foreign_addresses_to_have_none() {
  int on_stack = 0;
  expect_nothing_at(nullptr);
  expect_nothing_at(&on_stack);
  expect_nothing_at(at_address(std::uintptr_t{1} << page_map::address_bits));
  expect_nothing_at(at_address(~std::uintptr_t{0}));
  expect_nothing_at(at_address(std::uintptr_t{1} << 63));
}

TEST(page_map, flat_keeps_headers) {
  EXPECT_TRUE(test::ended_well(test::run_in_child([] {
    start_anew();
    ASSERT_FALSE(process_page_map.is_compact());
    expect_headers_to_be_kept();
    expect_foreign_addresses_to_have_none();
  })));
}

TEST(page_map, compact_keeps_headers) {
  EXPECT_TRUE(test::ended_well(test::run_in_child([] {
    process_page_map.release();
    fake_os os;
    os.limit_address_space(8_GiB);
    ASSERT_TRUE(process_page_map.initialize().ok());
    ASSERT_TRUE(process_page_map.is_compact());
    expect_headers_to_be_kept();
    expect_foreign_addresses_to_have_none();
  })));
}

TEST(page_map, is_compact_where_only_one_plane_can_be_had) {
  EXPECT_TRUE(test::ended_well(test::run_in_child([] {
    process_page_map.release();
    const test::counter_watch watch;
    fake_os os;
    os.limit_address_space(20_GiB);
    ASSERT_TRUE(process_page_map.initialize().ok());
    EXPECT_TRUE(process_page_map.is_compact());
    watch.expect(0, 0);
  })));
}

TEST(page_map, routes_open_and_close_and_are_absent_in_compact_mode) {
  EXPECT_TRUE(test::ended_well(test::run_in_child([] {
    start_anew();
    std::byte* const place = at_address(0x7000'0000'0000);
    ASSERT_TRUE(process_page_map.prepare(place, slice_size).ok());
    process_page_map.set_route(place, {77, 99});
    EXPECT_EQ(routes[page_map::route_index(address_of(place) + 5)].code, 77u);
    EXPECT_EQ(routes[page_map::route_index(address_of(place) + 5)].magic, 99u);
    process_page_map.set_route(place, {});
    EXPECT_EQ(routes[page_map::route_index(address_of(place))].code, 0u);
    EXPECT_EQ(routes[page_map::route_index(address_of(place))].magic, 0u);

    process_page_map.release();
    fake_os os;
    os.limit_address_space(1_GiB);
    ASSERT_TRUE(process_page_map.initialize().ok());
    ASSERT_TRUE(process_page_map.prepare(place, slice_size).ok());
    process_page_map.set_route(place, {77, 99});
    EXPECT_EQ(routes[page_map::route_index(address_of(place))].code, 0u);
    EXPECT_EQ(page_map::route_index(address_of(place)), 0u);
  })));
}

TEST(page_map, refuses_what_user_programs_do_not_get) {
  EXPECT_TRUE(test::ended_well(test::run_in_child([] {
    start_anew();
    EXPECT_TRUE(process_page_map.prepare(at_address(top_address), slice_size).ok());
    EXPECT_FALSE(process_page_map.prepare(at_address(top_address), 2 * slice_size).ok());
    EXPECT_FALSE(process_page_map.prepare(at_address(std::uintptr_t{1} << 50), slice_size).ok());
  })));
}

TEST(page_map, refused_preparation_changes_nothing_and_can_be_repeated) {
  EXPECT_TRUE(test::ended_well(test::run_in_child([] {
    start_anew();
    std::byte* const place = at_address(0x1000'0000'0000);
    for (unsigned n = 1; n <= 2; ++n) {
      fake_os os;
      os.refuse_call(n);
      const bool prepared = process_page_map.prepare(place, slice_size).ok();
      EXPECT_EQ(prepared, false) << "call " << n;
      expect_nothing_at(place);
    }
    ASSERT_TRUE(process_page_map.prepare(place, slice_size).ok());
    process_page_map.set_header(place, header_number(3));
    EXPECT_EQ(process_page_map.header_of(place), header_number(3));
  })));
}

TEST(page_map, prepares_once_and_counts_what_is_resident) {
  EXPECT_TRUE(test::ended_well(test::run_in_child([] {
    start_anew();
    std::byte* const place = at_address(0x2000'0000'0000);
    ASSERT_TRUE(process_page_map.prepare(place, 1_GiB).ok());
    const test::counter_watch watch;
    ASSERT_TRUE(process_page_map.prepare(place, 1_GiB).ok());
    ASSERT_TRUE(process_page_map.prepare(place + 512_MiB, 64_KiB).ok());
    EXPECT_EQ(watch.calls(), 0u);
    const std::size_t before = process_page_map.resident_bytes();
    process_page_map.set_header(place, header_number(1));
    EXPECT_EQ(process_page_map.resident_bytes(), before + os::page_size());
  })));
}

TEST(page_map, gives_everything_back) {
  EXPECT_TRUE(test::ended_well(test::run_in_child([] {
    process_page_map.release();
    const test::counter_watch watch;
    ASSERT_TRUE(process_page_map.initialize().ok());
    ASSERT_TRUE(process_page_map.prepare(at_address(0x3000'0000'0000), 2_GiB).ok());
    process_page_map.release();
    watch.expect(0, 0);
    EXPECT_EQ(process_page_map.header_of(at_address(0x3000'0000'0000)), nullptr);
  })));
}

TEST(page_map, threads_prepare_side_by_side) {
  EXPECT_TRUE(test::ended_well(test::run_in_child([] {
    start_anew();
    std::vector<std::thread> threads;
    for (std::uintptr_t t = 0; t < 4; ++t) {
      threads.emplace_back([t] {
        for (std::uintptr_t i = 0; i < 200; ++i) {
          std::byte* const place = at_address(0x4000'0000'0000 + (i * 4 + t) * slice_size * 1000);
          ASSERT_TRUE(process_page_map.prepare(place, slice_size).ok());
          process_page_map.set_header(place, header_number(i * 4 + t + 1));
          ASSERT_EQ(process_page_map.header_of(place), header_number(i * 4 + t + 1));
        }
      });
    }
    for (std::thread& t : threads) t.join();
    for (std::uintptr_t k = 0; k < 800; ++k)
      ASSERT_EQ(process_page_map.header_of(at_address(0x4000'0000'0000 + k * slice_size * 1000)),
                header_number(k + 1));
  })));
}

}  // namespace
}  // namespace ashlar
