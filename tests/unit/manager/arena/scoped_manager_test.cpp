// SPDX-License-Identifier: MIT
#include "ashlar/scoped.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "ashlar/arena.hpp"
#include "ashlar/manager/concepts.hpp"
#include "ashlar/manager/source/default_manager.hpp"
#include "ashlar/stack.hpp"
#include "support/fault_log.hpp"
#include "support/pattern.hpp"

namespace ashlar {
namespace {

/// The default manager, counted.
class counting_manager : public manager {
 public:
  static constexpr const char* kind_name = "counting";
  counting_manager() : manager(ops_for<counting_manager>, &default_manager()) {}
  allocation allocate(layout request, fit wanted) noexcept {
    const allocation a = memory(default_manager()).allocate(request, wanted);
    live_ += static_cast<bool>(a);
    return a;
  }
  void deallocate(block b, std::size_t alignment) noexcept {
    --live_;
    memory(default_manager()).deallocate(b, alignment);
  }
  manager_usage usage() const noexcept { return {.live_blocks = live_}; }

 private:
  std::size_t live_ = 0;
};

TEST(scoped_manager, frees_what_is_left_in_a_manager_that_cannot_rewind) {
  counting_manager upstream;
  {
    scoped_manager scope(upstream);
    block some[100];
    for (block& b : some) b = scope.allocate({100, 16}).get();
    for (std::size_t i = 0; i < 100; i += 3) scope.deallocate(some[i], 16);
    EXPECT_EQ(scope.usage().live_blocks, 66u);
    EXPECT_TRUE(scope.check_invariants());
    EXPECT_EQ(upstream.usage().live_blocks, 66u);
  }
  EXPECT_EQ(upstream.usage().live_blocks, 0u);
}

TEST(scoped_manager, rewinds_a_manager_that_can) {
  arena a;
  (void)a.push(100);
  {
    scoped_manager scope(a);
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(scope.allocate({1000, 64}));
    EXPECT_GT(a.pos(), 100'000u);
  }
  EXPECT_EQ(a.pos(), 100u);
}

TEST(scoped_manager, scopes_nest) {
  scoped_manager outer(default_manager());
  const block kept = outer.allocate({100, 8}).get();
  test::fill_pattern(kept.data, 100, 1);
  {
    scoped_manager inner(outer);
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(inner.allocate({100, 8}));
    EXPECT_EQ(outer.usage().live_blocks, 11u);
  }
  EXPECT_EQ(outer.usage().live_blocks, 1u);
  EXPECT_TRUE(test::has_pattern(kept.data, 100, 1));
}

TEST(scoped_manager, keeps_its_list_when_blocks_move) {
  scoped_manager scope(default_manager());
  block some[10];
  for (block& b : some) b = scope.allocate({100, 8}).get();
  test::fill_pattern(some[5].data, 100, 5);
  some[5] = scope.reallocate(some[5], 8, {.size = 100'000}).get();
  some[0] = scope.reallocate(some[0], 8, {.size = 100'000}).get();
  some[9] = scope.reallocate(some[9], 8, {.size = 100'000}).get();
  EXPECT_TRUE(test::has_pattern(some[5].data, 100, 5));
  EXPECT_TRUE(scope.check_invariants());
  EXPECT_EQ(scope.usable_size(some[5].data), 100'000u);
  scope.free_all();
  EXPECT_EQ(scope.usage().live_blocks, 0u);
}

TEST(scoped_manager, knows_its_blocks_by_their_neighbours) {
  test::fault_log faults;
  arena upstream;  // which leaves freed blocks as they are
  scoped_manager scope(upstream);
  const block a = scope.allocate({100}).get();
  const block b = scope.allocate({100}).get();
  const block c = scope.allocate({100}).get();
  for (const block one : {b, c, a}) {
    scope.deallocate(one);
    scope.deallocate(one);
    EXPECT_TRUE(faults.took(fault_kind::invalid_free, one.data));
    EXPECT_EQ(scope.reallocate(one, 16, {.size = 200}).reason(), status::unsupported);
    EXPECT_TRUE(faults.took(fault_kind::invalid_resize, one.data));
    EXPECT_TRUE(scope.check_invariants());
  }
  alignas(16) static std::byte foreign[128];
  scope.deallocate(block{foreign + 64, 8});
  EXPECT_TRUE(faults.took(fault_kind::invalid_free, foreign + 64));
}

TEST(scoped_manager, can_what_its_records_tell_and_what_its_upstream_can) {
  constexpr capability by_itself = capability::zero | capability::resize | capability::own |
                                   capability::size | capability::free_all | capability::walk;
  counting_manager plain;
  EXPECT_EQ(scoped_manager(plain).ops().can, by_itself);
  EXPECT_EQ(scoped_manager(plain).ops().trim, nullptr);
  alignas(16) static std::byte buffer[1024];
  arena fixed({.kind = backing::fixed, .buffer = buffer});
  EXPECT_EQ(scoped_manager(fixed).ops().can, by_itself | capability::trim | capability::bounded);
}

TEST(scoped_manager, knows_its_blocks_from_others_of_its_upstream) {
  scoped_manager scope(default_manager());
  const block mine = scope.allocate({100, 64}).get();
  const block also_mine = scope.allocate({100, 8}).get();
  const allocation other = memory(default_manager()).allocate({100, 8});
  EXPECT_TRUE(scope.owns(mine.data));
  EXPECT_TRUE(scope.owns(static_cast<std::byte*>(mine.data) + 99));
  EXPECT_FALSE(scope.owns(static_cast<std::byte*>(mine.data) - 1));
  EXPECT_FALSE(scope.owns(other.data()));
  EXPECT_FALSE(scope.owns(nullptr));
  std::vector<void*> seen;
  memory(scope).walk({&seen, [](void* context, const walked_block& found) {
                        static_cast<std::vector<void*>*>(context)->push_back(found.data);
                        return true;
                      }});
  EXPECT_EQ(seen, (std::vector<void*>{also_mine.data, mine.data}));
  scope.deallocate(mine);
  EXPECT_FALSE(scope.owns(mine.data));
  memory(default_manager()).deallocate(other.get(), 8);
}

TEST(scoped_manager, trims_its_upstream) {
  arena a({.kind = backing::chained, .upstream = default_manager()});
  scoped_manager scope(a);
  {
    const arena_scope inner(a);
    ASSERT_NE(a.push(1 << 20), nullptr);
  }
  EXPECT_GE(memory(scope).trim(), 1u << 20);
}

TEST(scoped_manager, wants_the_last_block_first_if_its_upstream_does) {
  stack_manager last_first;
  EXPECT_TRUE(scoped_manager(last_first).can(capability::lifo_only));
  EXPECT_FALSE(scoped_manager(default_manager()).can(capability::lifo_only));
}

}  // namespace
}  // namespace ashlar
