// SPDX-License-Identifier: MIT
// The head and the table: capabilities are what a class declares, and a chain knows its ends.
#include "ashlar/manager/manager.hpp"

#include <gtest/gtest.h>

#include <type_traits>

#include "ashlar/manager/concepts.hpp"
#include "ashlar/manager/source/os_manager.hpp"
#include "unit/manager/plain_manager.hpp"

namespace ashlar {
namespace {

using test::plain_manager;

class able_manager : public manager {
 public:
  static constexpr const char* kind_name = "able";
  static constexpr capability promises = capability::bounded;

  able_manager() : manager(ops_for<able_manager>, nullptr) {}
  allocation allocate(layout, fit) noexcept { return {}; }
  void deallocate(block, std::size_t) noexcept { ++freed; }
  manager_usage usage() const noexcept { return {}; }
  allocation allocate_zeroed(layout, fit) noexcept { return {}; }
  allocation reallocate(block, std::size_t, const resize&) noexcept { return {}; }
  bool owns(const void*) const noexcept { return true; }
  std::size_t usable_size(const void*) const noexcept { return 7; }
  void deallocate(void*) noexcept { freed += 10; }
  void free_all() noexcept { freed += 100; }
  mark here() const noexcept { return {this, 5}; }
  void rewind(mark place) noexcept { rewound = place.position; }
  void walk(block_visitor visitor) noexcept { (void)visitor({this, 1}); }
  std::size_t trim(std::size_t keep) noexcept { return keep + 1; }

  int freed = 0;
  std::size_t rewound = 0;
};

TEST(manager, cannot_be_copied_or_moved) {
  static_assert(!std::is_copy_constructible_v<plain_manager>);
  static_assert(!std::is_move_constructible_v<plain_manager>);
  static_assert(!std::is_copy_assignable_v<plain_manager>);
  static_assert(sizeof(memory) == sizeof(void*));
  static_assert(std::is_trivially_copyable_v<memory>);
}

TEST(manager, what_a_class_does_not_declare_its_table_does_not_have) {
  static_assert(memory_manager<plain_manager>);
  static_assert(capabilities_of<plain_manager>() == capability::none);
  const manager_ops& ops = ops_for<plain_manager>;
  EXPECT_EQ(ops.allocate_zeroed, nullptr);
  EXPECT_EQ(ops.reallocate, nullptr);
  EXPECT_EQ(ops.owns, nullptr);
  EXPECT_EQ(ops.usable_size, nullptr);
  EXPECT_EQ(ops.deallocate_unsized, nullptr);
  EXPECT_EQ(ops.free_all, nullptr);
  EXPECT_EQ(ops.here, nullptr);
  EXPECT_EQ(ops.rewind, nullptr);
  EXPECT_EQ(ops.walk, nullptr);
  EXPECT_EQ(ops.trim, nullptr);
}

TEST(manager, what_a_class_declares_its_table_calls) {
  static_assert(has(capabilities_of<able_manager>(),
                    capability::zero | capability::resize | capability::own | capability::size |
                        capability::free_all | capability::rewind | capability::walk |
                        capability::trim | capability::bounded));
  static_assert(!has(capabilities_of<able_manager>(), capability::thread_safe));
  able_manager able;
  const memory m = able;
  EXPECT_TRUE(m.can(capability::own));
  EXPECT_TRUE(m.owns(&able));
  EXPECT_EQ(m.usable_size(&able), 7u);
  m.deallocate({&able, 1});
  able.ops().deallocate_unsized(able, &able);
  m.free_all();
  EXPECT_EQ(able.freed, 111);
  m.rewind(m.here());
  EXPECT_EQ(able.rewound, 5u);
  EXPECT_EQ(m.trim(3), 4u);
  int visits = 0;
  m.walk({&visits, [](void* n, const walked_block&) { return ++*static_cast<int*>(n) != 0; }});
  EXPECT_EQ(visits, 1);
}

TEST(manager, knows_its_upstream_its_root_and_its_os) {
  plain_manager top;
  plain_manager middle(nullptr, &top);
  plain_manager bottom(nullptr, &middle);
  EXPECT_EQ(bottom.upstream(), &middle);
  EXPECT_EQ(&bottom.root(), &top);
  EXPECT_EQ(&top.root(), &top);
  EXPECT_EQ(&bottom.os(), &system_os()) << "a root of unknown origin";
  os_manager os(os_verbs{});
  plain_manager over_os(nullptr, &os);
  plain_manager above(nullptr, &over_os);
  EXPECT_EQ(&above.os(), &os);
  EXPECT_EQ(&os.os(), &os);
}

TEST(manager, has_the_tag_that_it_was_given) {
  plain_manager m;
  EXPECT_EQ(m.tag(), 0);
  m.set_tag(7);
  EXPECT_EQ(m.tag(), 7);
  EXPECT_STREQ(m.kind(), "plain");
  EXPECT_EQ(m.name(), nullptr);
}

}  // namespace
}  // namespace ashlar
