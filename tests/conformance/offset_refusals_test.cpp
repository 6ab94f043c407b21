// SPDX-License-Identifier: MIT
// What the suite asks of managers, asked of the two that hand out no addresses: when the n-th
// request to the ground fails, nothing is lost, and in the end everything has come back.
#include <gtest/gtest.h>

#include <vector>

#include "ashlar/base/units.hpp"
#include "ashlar/manager/offset/relocatable_heap.hpp"
#include "conformance/suite/ground.hpp"
#include "support/random.hpp"

namespace ashlar::test {
namespace {

TEST(offset_manager_refusals, take_nothing_before_the_first_request) {
  ground floor;
  const offset_manager m({.units = 1'000, .metadata = floor.upstream()});
  const relocatable_heap h({.os = &floor.upstream().os(), .metadata = floor.upstream()});
  EXPECT_EQ(m.report().free, 1'000u);
  EXPECT_EQ(h.usage().held, 0u);
  EXPECT_EQ(floor.calls(), 0u);
}

TEST(offset_manager_refusals, of_metadata_lose_nothing) {
  for (std::size_t n = 1; n <= 12; ++n) {
    ground floor;
    {
      offset_manager m({.units = 100'000, .metadata = floor.upstream()});
      floor.refuse_call(n);
      std::vector<offset_range> live;
      for (std::uint64_t i = 0; i < 500; ++i) {
        const offset_allocation got = m.allocate({1 + i % 90, std::uint64_t{1} << i % 8}, i);
        m.check_invariants();
        ASSERT_TRUE(got || got.reason == status::no_memory);
        if (got) live.push_back(got.range);
        if (i % 3 == 0 && !live.empty()) {
          m.deallocate(live[i % live.size()].handle);
          live.erase(live.begin() + static_cast<std::ptrdiff_t>(i % live.size()));
        }
        if (i % 50 == 0) m.defragment({}, [](const offset_move&) { return move_answer::ignored; });
      }
      EXPECT_EQ(m.used_ranges(), live.size());
      for (const offset_range& r : live) EXPECT_EQ(m.find(r.handle).offset, r.offset);
    }
    EXPECT_EQ(floor.problem(), "");
    EXPECT_TRUE(floor.is_bare());
  }
}

TEST(offset_manager_refusals, of_a_restore_leave_the_manager_as_it_was) {
  ground floor;
  {
    offset_manager source({.units = 500});
    ASSERT_TRUE(source.allocate({10}));
    offset_manager m({.units = 77, .metadata = floor.upstream()});
    floor.refuse_call(1);
    EXPECT_FALSE(m.restore(source.image()));
    EXPECT_EQ(m.report().units, 77u);
    EXPECT_TRUE(m.restore(source.image()));
    EXPECT_EQ(m.used(), 10u);
  }
  EXPECT_EQ(floor.problem(), "");
  EXPECT_TRUE(floor.is_bare());
}

TEST(relocatable_heap_refusals, of_memory_and_metadata_lose_nothing) {
  for (std::size_t n = 1; n <= 30; ++n) {
    ground floor;
    random_source random(n);
    {
      relocatable_heap heap({.reserve = 4_MiB,
                             .commit_step = 1,
                             .os = &floor.upstream().os(),
                             .metadata = floor.upstream()});
      floor.refuse_call(n);
      std::vector<relocatable_handle> live;
      for (std::size_t i = 0; i < 400; ++i) {
        const relocatable_allocation got = heap.allocate({random.log_uniform(20'000)});
        heap.check_invariants();
        ASSERT_TRUE(got || got.reason == status::no_memory);
        if (got) live.push_back(got.handle);
        if (live.size() < 2) continue;
        const std::size_t at = random.below(live.size() - 1);
        if (random.one_in(3)) (void)heap.reallocate(live[at], {.size = random.log_uniform(20'000)});
        if (random.one_in(2)) {
          heap.deallocate(live[at]);
          live[at] = live.back();
          live.pop_back();
        }
        if (random.one_in(20)) heap.compact();
        if (random.one_in(20)) heap.trim();
        heap.check_invariants();
      }
      EXPECT_GE(floor.refusals(), 1u) << n;
      EXPECT_EQ(heap.report().blocks, live.size());
    }
    EXPECT_EQ(floor.problem(), "");
    EXPECT_TRUE(floor.is_bare());
  }
}

}  // namespace
}  // namespace ashlar::test
