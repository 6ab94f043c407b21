// SPDX-License-Identifier: MIT
// Where the policy goes on after a fault, a composition is as it was before, as its part is.
#include <gtest/gtest.h>

#include <cstring>

#include "ashlar/ashlar.hpp"
#include "support/fault_log.hpp"
#include "support/unwatched.hpp"

namespace ashlar {
namespace {

TEST(limited, takes_nothing_off_for_a_block_that_its_part_refuses) {
  test::fault_log log;
  limited<pool> m([] { return pool({64, 16}); }, {.limit = 1000});
  const allocation a = m.allocate({64});
  m.deallocate(a.get());
  m.deallocate(a.get());
  EXPECT_TRUE(log.took(fault_kind::double_free, a.data()));
  m.deallocate(a.data());
  EXPECT_TRUE(log.took(fault_kind::double_free, a.data()));
  EXPECT_EQ(m.usage().used, 0u);
  EXPECT_TRUE(m.allocate({64}));
}

TEST(scoped_manager, keeps_a_block_that_its_upstream_refuses) {
  test::fault_log log;
  stack_manager stack;
  scoped_manager scope{memory(stack)};
  const allocation a = scope.allocate({100});
  const allocation b = scope.allocate({100});
  const manager_usage before = scope.usage();
  scope.deallocate(a.get());
  EXPECT_EQ(log.count(), 1u) << "out of order";
  EXPECT_EQ(scope.usage().used, before.used);
  EXPECT_EQ(scope.usage().held, before.held);
  EXPECT_TRUE(scope.check_invariants());
  scope.deallocate(b.get());
  scope.deallocate(a.get());
  EXPECT_EQ(log.count(), 1u) << "in order now";
  EXPECT_EQ(stack.usage().live_blocks, 0u);
  EXPECT_EQ(scope.usage().live_blocks, 0u);
}

TEST(scoped_manager, ends_though_its_upstream_refuses_a_block) {
  test::fault_log log;
  stack_manager stack;
  scoped_manager scope{memory(stack)};
  (void)scope.allocate({100});
  const allocation above = stack.allocate({100});
  scope.free_all();
  EXPECT_EQ(log.count(), 1u) << "out of order";
  EXPECT_EQ(scope.usage().live_blocks, 0u);
  stack.deallocate(above.get());
}

TEST(zeroing, wipes_nothing_that_its_part_does_not_own) {
  test::fault_log log;
  zeroing<pool, wipe::when_freed> m([] { return pool({64, 16}); });
  const allocation a = m.allocate({64});
  alignas(64) char mine[64];
  std::memset(mine, 'x', sizeof mine);
  m.deallocate({mine, sizeof mine});
  EXPECT_TRUE(log.took(fault_kind::invalid_free, mine));
  m.deallocate(static_cast<void*>(mine));
  EXPECT_TRUE(log.took(fault_kind::invalid_free, mine));
  for (const char c : mine) EXPECT_EQ(c, 'x');
  m.deallocate(a.get());
}

TEST(zeroing, leaves_the_links_of_a_block_that_is_free_already) {
  const test::unwatched quiet;
  test::fault_log log;
  zeroing<pool, wipe::when_freed> m([] { return pool({64, 16}); });
  const allocation a = m.allocate({64});
  const allocation b = m.allocate({64});
  m.deallocate(a.get());
  m.deallocate(b.get());
  m.deallocate(b.get());
  EXPECT_TRUE(log.took(fault_kind::double_free, b.data()));
  EXPECT_EQ(m.allocate({64}).data(), b.data());
  EXPECT_EQ(m.allocate({64}).data(), a.data()) << "still in the list";
}

TEST(thread_cached, takes_nothing_off_for_a_block_that_its_part_refuses) {
  test::fault_log log;
  thread_cached<locked<general_manager>> m;
  alignas(16) char mine[8000];
  m.deallocate({mine, 5000});
  EXPECT_TRUE(log.took(fault_kind::invalid_free, mine));
  EXPECT_EQ(m.usage().used, 0u);
}

TEST(fallback, moves_nothing_that_its_part_refused_to_resize) {
  test::fault_log log;
  fallback<pool, buckets> m([] { return pool({64, 16}); });
  const allocation a = m.allocate({64});
  void* const inside = static_cast<char*>(a.data()) + 8;
  const std::size_t used = m.usage().used;
  EXPECT_FALSE(m.reallocate({inside, 8}, 8, {.size = 100}));
  EXPECT_TRUE(log.took(fault_kind::invalid_resize, inside));
  EXPECT_EQ(m.usage().used, used);
  m.deallocate(a.get());
}

}  // namespace
}  // namespace ashlar
