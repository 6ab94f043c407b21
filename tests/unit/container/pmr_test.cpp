// SPDX-License-Identifier: MIT
#include "ashlar/pmr.hpp"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <string>
#include <vector>

#include "ashlar/container/refusal.hpp"
#include "ashlar/vector.hpp"
#include "support/ledger.hpp"

namespace ashlar {
namespace {

using test::ledger;

TEST(memory_resource, serves_std_pmr_containers) {
  ledger from;
  memory_resource resource = as_memory_resource(from);
  {
    std::pmr::vector<int> numbers(&resource);
    std::pmr::map<int, std::pmr::string> names(&resource);
    for (int i = 0; i < 100; ++i) {
      numbers.push_back(i);
      names.emplace(i, "long enough to lie in memory of its own");
    }
    EXPECT_EQ(names.at(99).size(), 39u);
    EXPECT_EQ(from.live_blocks(), 201u);  // the strings too
  }
  EXPECT_EQ(from.live_blocks(), 0u);
}

TEST(memory_resource, stands_below_the_standards_pools) {
  ledger from;
  memory_resource resource(from);
  std::pmr::unsynchronized_pool_resource pool(&resource);
  std::pmr::vector<std::pmr::string> v(&pool);
  for (int i = 0; i < 1000; ++i) v.emplace_back("long enough to lie in memory of its own");
  EXPECT_GT(from.live_blocks(), 0u);
}

TEST(memory_resource, is_equal_when_the_manager_is) {
  ledger a;
  ledger b;
  const memory_resource first(a);
  const memory_resource same(a);
  const memory_resource other(b);
  EXPECT_TRUE(first.is_equal(same));
  EXPECT_FALSE(first.is_equal(other));
  EXPECT_FALSE(first.is_equal(*std::pmr::new_delete_resource()));
}

TEST(memory_resource, throws_when_memory_is_refused) {
  ledger from;
  from.budget = 0;
  memory_resource resource(from);
  EXPECT_THROW((void)resource.allocate(16), bad_allocation);
  std::pmr::vector<int> v(&resource);
  EXPECT_THROW(v.push_back(1), std::bad_alloc);
}

TEST(pmr_manager, serves_our_containers_from_a_resource) {
  ledger below;
  memory_resource resource(below);
  pmr_manager manager(&resource);
  {
    vector<std::string> v(manager);
    for (int i = 0; i < 100; ++i) v.push_back(std::to_string(i));
    EXPECT_EQ(v[99], "99");
    EXPECT_EQ(manager.usage().live_blocks, 1u);
    EXPECT_EQ(manager.usage().used, below.used());
  }
  EXPECT_EQ(manager.usage().used, 0u);
  EXPECT_GT(manager.usage().peak_used, 0u);
}

TEST(pmr_manager, turns_what_is_thrown_into_a_status) {
  std::array<std::byte, 256> buffer;
  std::pmr::monotonic_buffer_resource bounded(buffer.data(), buffer.size(),
                                              std::pmr::null_memory_resource());
  pmr_manager manager(&bounded);
  EXPECT_TRUE(manager.allocate({100, 8}));
  EXPECT_EQ(manager.allocate({1000, 8}).reason(), status::no_memory);
  EXPECT_EQ(manager.allocate({8, 3}).reason(), status::bad_alignment);
  EXPECT_EQ(manager.allocate({max_size + 1, 8}).reason(), status::too_large);
  EXPECT_EQ(manager.usage().live_blocks, 1u);
}

TEST(pmr_manager, gives_nothing_an_address_of_its_own) {
  ledger below;  // checks that sizes come back as they were asked for
  memory_resource resource(below);
  pmr_manager manager(&resource);
  const allocation a = manager.allocate({0, 1});
  const allocation b = manager.allocate({0, 1});
  ASSERT_TRUE(a && b);
  EXPECT_NE(a.data(), b.data());
  manager.deallocate(a.get(), 1);
  manager.deallocate(b.get(), 1);
  manager.deallocate({}, 1);
}

}  // namespace
}  // namespace ashlar
