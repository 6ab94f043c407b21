// SPDX-License-Identifier: MIT
// What managers take from an OS manager counts to their tags, once, and within their budgets.
#include "ashlar/manager/source/page_charges.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "ashlar/ashlar.hpp"
#include "ashlar/base/units.hpp"
#include "ashlar/observe/tracker.hpp"
#include "support/child.hpp"
#include "support/fault_log.hpp"
#include "support/unwatched.hpp"
#include "support/user_memory.hpp"

namespace ashlar {
namespace {

std::uint64_t pages_of(tag of) { return usage_of(of).page_bytes; }

// Fills a manager until it refuses. Returns why.
template <class M>
status fill(M& m, std::size_t size) {
  for (int i = 0; i < 1'000'000; ++i) {
    const allocation got = m.allocate({size, 16});
    if (!got) return got.reason();
  }
  return status::success;
}

// That `m` counts what it holds, keeps to the budget, and gives everything back.
template <class M>
void keeps_to_its_budget(M& m, tag mine, std::size_t size) {
  set_budget(mine, {.hard = 2_MiB});
  m.set_tag(mine.id());
  EXPECT_TRUE(m.allocate({size, 16}));
  EXPECT_GT(pages_of(mine), 0u);
  EXPECT_EQ(pages_of(mine), m.usage().held);
  EXPECT_EQ(fill(m, size), status::over_budget);
  EXPECT_EQ(pages_of(mine), m.usage().held);
  EXPECT_LE(usage_of(mine).peak_bytes, 2_MiB);
  EXPECT_GT(usage_of(mine).peak_bytes, 1_MiB);
  if constexpr (can_free_all<M>) m.free_all();
  EXPECT_EQ(pages_of(mine), m.usage().held);
}

TEST(page_charges, count_a_reserved_arena) {
  const tag mine = define_tag("charges/reserved");
  {
    arena a;
    keeps_to_its_budget(a, mine, 1000);
    EXPECT_EQ(fill(a, 100), status::over_budget);
  }
  EXPECT_EQ(pages_of(mine), 0u);
}

TEST(page_charges, count_a_chained_arena) {
  const tag mine = define_tag("charges/chained");
  {
    arena a({.kind = backing::chained});
    keeps_to_its_budget(a, mine, 1000);
  }
  EXPECT_EQ(pages_of(mine), 0u);
}

TEST(page_charges, count_a_pool) {
  const tag mine = define_tag("charges/pool");
  {
    pool p({128, 16});
    keeps_to_its_budget(p, mine, 128);
  }
  EXPECT_EQ(pages_of(mine), 0u);
}

TEST(page_charges, count_buckets_and_general_managers_large_blocks_included) {
  const tag mine = define_tag("charges/buckets");
  {
    buckets b;
    keeps_to_its_budget(b, mine, 200);
  }
  EXPECT_EQ(pages_of(mine), 0u);
  const tag general = define_tag("charges/general");
  {
    general_manager g;
    keeps_to_its_budget(g, general, 300'000);
  }
  EXPECT_EQ(pages_of(general), 0u);
}

TEST(page_charges, count_fit_managers) {
  const tag mine = define_tag("charges/fit");
  {
    best_fit_manager m({.reserve = 64_MiB});
    keeps_to_its_budget(m, mine, 5000);
    tlsf_manager t({.reserve = 64_MiB});
    keeps_to_its_budget(t, mine, 5000);
  }
  EXPECT_EQ(pages_of(mine), 0u);
}

TEST(page_charges, count_managers_of_many_threads) {
  const tag mine = define_tag("charges/threads");
  {
    shared_arena a;
    keeps_to_its_budget(a, mine, 1000);
  }
  EXPECT_EQ(pages_of(mine), 0u);
  {
    thread_pools p({128, 16});
    keeps_to_its_budget(p, mine, 128);
  }
  EXPECT_EQ(pages_of(mine), 0u);
  {
    thread_cached_pool p({128, 16});
    keeps_to_its_budget(p, mine, 128);
  }
  EXPECT_EQ(pages_of(mine), 0u);
}

TEST(page_charges, count_stacks_and_scopes_that_stand_on_managers_without_a_tag) {
  const tag mine = define_tag("charges/stacks", {.hard = 2_MiB});
  {
    stack_manager stack;
    stack.set_tag(mine.id());
    EXPECT_EQ(fill(stack, 1000), status::over_budget);
    EXPECT_EQ(pages_of(mine), stack.usage().held);
  }
  EXPECT_EQ(pages_of(mine), 0u);
  {
    scoped_manager scope(system_os());
    scope.set_tag(mine.id());
    EXPECT_EQ(fill(scope, 1000), status::over_budget);
    EXPECT_EQ(pages_of(mine), 2_MiB);
  }
  EXPECT_EQ(pages_of(mine), 0u);
}

TEST(page_charges, count_a_heap_and_its_largest_blocks) {
  const test::unwatched exact;  // under a tool, blocks are larger, and move where they grow
  const tag mine = define_tag("charges/heap", {.hard = 64_MiB});
  {
    heap h;
    h.set_tag(mine.id());
    ASSERT_EQ(h.initialize({}), status::success);
    const allocation small = h.allocate({100, 16});
    EXPECT_TRUE(small);
    const std::uint64_t before = pages_of(mine);
    EXPECT_GT(before, 0u);
    const allocation direct = h.allocate({40_MiB, 16});  // a mapping of its own
    EXPECT_EQ(pages_of(mine), before + 40_MiB);
    EXPECT_EQ(h.allocate({40_MiB, 16}).reason(), status::over_budget);
    const allocation larger = h.reallocate(direct.get(), 16, {.size = 48_MiB});
    EXPECT_TRUE(larger);
    EXPECT_EQ(pages_of(mine), before + 48_MiB);
    EXPECT_FALSE(h.reallocate(larger.get(), 16, {.size = 80_MiB}));
    memory(h).deallocate(larger.get());
    EXPECT_EQ(pages_of(mine), before);
    while (h.allocate({100'000, 16})) {
    }
    EXPECT_EQ(h.allocate({100'000, 16}).reason(), status::over_budget);
    EXPECT_LE(usage_of(mine).live_bytes, 64_MiB);
    h.destroy();
  }
  EXPECT_EQ(pages_of(mine), 0u);
}

TEST(page_charges, leave_a_heap_without_a_tag_alone_whoever_asks_it) {
  const tag scope_tag = define_tag("charges/heap scope");
  heap h;
  ASSERT_EQ(h.initialize({}), status::success);
  const tag_scope scope(scope_tag);
  EXPECT_TRUE(h.allocate({100, 16}));
  EXPECT_TRUE(h.allocate({40_MiB, 16}));
  EXPECT_EQ(usage_of(scope_tag).live_bytes, 0u);
  h.destroy();
}

TEST(page_charges, count_containers_over_address_space_to_the_scope) {
  const tag mine = define_tag("charges/containers", {.hard = 4_MiB});
  {
    vm_vector<int> v(16_MiB);
    ring_buffer ring;
    {
      const tag_scope scope(mine);
      v.push_back(1);
      ASSERT_EQ(ring.try_open(64_KiB), status::success);
    }
    const std::uint64_t before = pages_of(mine);
    EXPECT_GE(before, 64_KiB + 4_KiB);
    // It grows outside of the scope, and still counts to where it began.
    EXPECT_EQ(v.try_reserve(2_MiB), status::over_budget);
    v.reserve(200'000);
    EXPECT_GT(pages_of(mine), before);
  }
  EXPECT_EQ(pages_of(mine), 0u);
}

TEST(page_charges, go_to_the_manager_that_takes_the_pages) {
  const tag above = define_tag("charges/above");
  const tag below = define_tag("charges/below");
  arena a;
  a.set_tag(below.id());
  {
    pool p({64, 16}, {.upstream = a});
    p.set_tag(above.id());
    EXPECT_TRUE(p.allocate({64, 16}));
    EXPECT_EQ(pages_of(above), 0u);
    EXPECT_EQ(pages_of(below), a.usage().held);
  }
  // An upstream that has no tag passes pages on under the one of who asks.
  arena plain({.kind = backing::chained});
  {
    pool p({64, 16}, {.upstream = plain});
    p.set_tag(above.id());
    EXPECT_TRUE(p.allocate({64, 16}));
    EXPECT_EQ(pages_of(above), plain.usage().held);
  }
}

TEST(page_charges, follow_the_thread_where_the_manager_has_no_tag) {
  const tag mine = define_tag("charges/thread");
  {
    arena a;
    {
      const tag_scope scope(mine);
      EXPECT_TRUE(a.allocate({100, 16}));
    }
    EXPECT_EQ(pages_of(mine), a.usage().held);
    EXPECT_TRUE(a.allocate({1_MiB, 16}));  // more of the same reservation
    EXPECT_EQ(pages_of(mine), a.usage().held);
    a.clear();
    a.trim();
    EXPECT_EQ(pages_of(mine), a.usage().held);
  }
  EXPECT_EQ(pages_of(mine), 0u);
}

TEST(page_charges, count_a_byte_once_where_memory_of_a_manager_plays_the_os) {
  const tag outer = define_tag("charges/outer");
  const tag inner = define_tag("charges/inner");
  arena a;
  a.set_tag(outer.id());
  const allocation room = a.allocate({1_MiB, 64_KiB});
  ASSERT_TRUE(room);
  const std::uint64_t before = pages_of(outer);
  {
    user_block_os os({.memory = {static_cast<std::byte*>(room.data()), room.size()}});
    arena b({.os = &os});
    b.set_tag(inner.id());
    EXPECT_TRUE(b.allocate({1000, 16}));
    EXPECT_EQ(pages_of(inner), 0u);
    EXPECT_EQ(pages_of(outer), before);
  }
}

TEST(page_charges, take_back_what_the_os_refuses) {
  const tag mine = define_tag("charges/refused");
  test::user_interface source;
  {
    os_manager os(source.verbs());
    arena a({.os = &os});
    a.set_tag(mine.id());
    source.refuse_commit = true;
    EXPECT_EQ(a.allocate({100, 16}).reason(), status::no_memory);
    EXPECT_EQ(pages_of(mine), 0u);
    source.refuse_commit = false;
    EXPECT_TRUE(a.allocate({100, 16}));
    EXPECT_EQ(pages_of(mine), a.usage().held);
  }
  EXPECT_EQ(pages_of(mine), 0u);
}

TEST(page_charges, tell_the_user_of_a_soft_budget) {
  std::array<std::size_t, 2> told{};
  const auto note = [](void* context, tag_id, std::size_t live) {
    auto& t = *static_cast<std::array<std::size_t, 2>*>(context);
    ++t[0];
    t[1] = live;
  };
  const tag mine = define_tag("charges/soft", {.soft = 1_MiB, .context = &told, .exceeded = note});
  arena a;
  a.set_tag(mine.id());
  EXPECT_TRUE(a.allocate({512_KiB, 16}));
  EXPECT_EQ(told[0], 0u);
  EXPECT_TRUE(a.allocate({1_MiB, 16}));
  EXPECT_EQ(told[0], 1u);
  EXPECT_EQ(told[1], a.usage().held);
  set_budget(mine, {});
}

TEST(page_charges, survive_a_fork) {
  const tag mine = define_tag("charges/fork");
  arena a;
  a.set_tag(mine.id());
  EXPECT_TRUE(a.allocate({100, 16}));
  const std::uint64_t before = pages_of(mine);
  EXPECT_TRUE(test::ended_well(test::run_in_child([&] {
    EXPECT_TRUE(a.allocate({1_MiB, 16}));
    EXPECT_EQ(pages_of(mine), a.usage().held);
    a.free_all();
    EXPECT_EQ(pages_of(mine), 0u);
  })));
  EXPECT_EQ(pages_of(mine), before);
}

TEST(page_charges, remember_many_reservations) {
  const tag mine = define_tag("charges/many");
  const tag_scope scope(mine);
  std::vector<os::range> all;
  for (int i = 0; i < 500; ++i) {
    all.push_back(system_os().reserve(64_KiB));
    ASSERT_TRUE(system_os().commit({all.back().data, 4_KiB}));
  }
  EXPECT_EQ(pages_of(mine), 500 * 4_KiB);
  for (std::size_t i = 0; i < all.size(); i += 2) system_os().release(all[i], 4_KiB);
  EXPECT_EQ(pages_of(mine), 250 * 4_KiB);
  for (std::size_t i = 1; i < all.size(); i += 2) {
    EXPECT_TRUE(system_os().commit({all[i].data + 4_KiB, 8_KiB}));
    EXPECT_TRUE(system_os().decommit({all[i].data, 4_KiB}));
  }
  EXPECT_EQ(pages_of(mine), 250 * 8_KiB);
  for (std::size_t i = 1; i < all.size(); i += 2) system_os().release(all[i], 8_KiB);
  EXPECT_EQ(pages_of(mine), 0u);
}

TEST(page_charges, go_on_counting_what_could_not_be_released) {
  const tag mine = define_tag("charges/refused");
  alignas(4096) static std::byte bytes[64_KiB];
  test::fault_log faults;
  user_block_os os({.memory = {bytes, sizeof bytes}});
  const os::range a = os.reserve_for(mine.id(), 16_KiB, 1);
  ASSERT_EQ(os.try_commit(a), status::success);
  os.release({a.data, 1_MiB}, 16_KiB);
  EXPECT_TRUE(faults.took(fault_kind::invalid_free, a.data));
  EXPECT_EQ(pages_of(mine), 16_KiB);
  EXPECT_EQ(os.usage().held, 16_KiB);
  os.release(a, 16_KiB);
  EXPECT_EQ(pages_of(mine), 0u);
  EXPECT_EQ(os.usage().held, 0u);
}

}  // namespace
}  // namespace ashlar
