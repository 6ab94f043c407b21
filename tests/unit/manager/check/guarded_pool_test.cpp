// SPDX-License-Identifier: MIT
// Debug managers around pools of one size: made for the larger block, or there already.
#include <gtest/gtest.h>

#include "ashlar/debug.hpp"
#include "ashlar/pool.hpp"
#include "unit/manager/check/debug_manager_fixture.hpp"

namespace {

using ashlar::debug_options;
using ashlar::fault_kind;

class GuardedPool : public ashlar::test::debug_manager_test {};

// What a pool serves it serves guarded, too.
TEST_F(GuardedPool, GuardsAPoolThatItMakes) {
  for (const std::size_t size : {1u, 24u, 32u, 100u}) {
    ashlar::guarded<ashlar::pool, ashlar::checks::all> m(ashlar::layout{size, 8});
    m.set_options({.sink = report.sink()});
    ashlar::pool plain(ashlar::layout{size, 8});
    for (std::size_t alignment = 1; alignment <= 64; alignment *= 2) {
      const auto without = plain.allocate({size, alignment});
      const auto a = m.allocate({size, alignment});
      EXPECT_EQ(a.reason(), without.reason()) << size << ", " << alignment;
      if (!a) continue;
      EXPECT_NE(m.header_of(a.data()), nullptr);
      m.deallocate(a.get(), alignment);
    }
    const auto a = m.allocate({size, 8});
    bytes(a)[size] = 1;
    m.deallocate(a.get(), 8);
    EXPECT_TRUE(faults.took(fault_kind::overrun, a.data())) << size;
  }
  EXPECT_FALSE(report.has("no room"));
}

TEST_F(GuardedPool, MakesAnotherPoolOfTheSameSize) {
  ashlar::guarded<ashlar::thread_cached_pool, ashlar::checks::all> m(ashlar::layout{24, 8});
  const auto a = m.allocate({24, 8});
  ASSERT_TRUE(a);
  EXPECT_NE(m.header_of(a.data()), nullptr);
  m.deallocate(a.get(), 8);
}

// A pool that is there already has no room: what needs none is still looked at, and it is said.
TEST_F(GuardedPool, WatchesAPoolWithoutRoomForGuards) {
  for (const auto pages : {ashlar::debug_pages::none, ashlar::debug_pages::back}) {
    ashlar::pool small({24, 8});
    ashlar::debug_manager m(small, {.pages = pages, .sink = report.sink(), .name = "small"});
    const auto a = m.allocate({24, 8});
    ASSERT_TRUE(a) << to_string(a.reason());
    const auto b = m.allocate({16, 8});
    ASSERT_TRUE(b);
    EXPECT_EQ(
        report.count("debug manager 'small': pool has no room around blocks of 24 bytes: they "
                     "have no guards"),
        1u)
        << report.text;
    EXPECT_EQ(m.allocate({25, 8}).reason(), ashlar::status::too_large);
    m.deallocate(a.get(), 8);
    m.deallocate(b.get(), 8);
    m.deallocate(a.get(), 8);
    EXPECT_TRUE(faults.took(fault_kind::double_free, a.data()));
    report.text.clear();
  }
}

TEST_F(GuardedPool, SaysHowLargeAPoolMustBe) {
  for (const auto pages : {ashlar::debug_pages::none, ashlar::debug_pages::back}) {
    const debug_options options = {.guard = 40, .pages = pages, .sink = report.sink()};
    ashlar::pool large(ashlar::debug_manager::whole_of({24, 8}, options));
    ashlar::debug_manager m(large, options);
    const auto a = m.allocate({24, 8});
    ASSERT_TRUE(a) << to_string(a.reason());
    m.deallocate(a.get(), 8);
    EXPECT_FALSE(report.has("no room")) << report.text;
  }
  EXPECT_EQ(ashlar::debug_manager::whole_of(ashlar::learn).size, 0u);
}

}  // namespace
