// SPDX-License-Identifier: MIT
// What compositions can do, given what their parts can: the rules, and both places they are used.
#include <gtest/gtest.h>

#include "ashlar/compose.hpp"
#include "ashlar/pool.hpp"
#include "ashlar/sources.hpp"
#include "support/fault_log.hpp"
#include "unit/manager/plain_manager.hpp"

namespace ashlar {
namespace {

using test::plain_manager;

constexpr capability none = capability::none;
constexpr capability everything = all_deeds | all_promises;

constexpr bool is_subset(capability a, capability b) { return (a & b) == a; }

TEST(rules, of_nothing_make_nothing_up) {
  static_assert(fallback_rule(none, none) == none);
  static_assert(segregate_rule(none, none) == none);
  static_assert(locked_rule(none) == capability::thread_safe);
  static_assert(limited_rule(none) == none);
  static_assert(aligned_rule(none) == none);
  static_assert(affix_rule(none) == none);
  static_assert(fail_on_nth_rule(none) == none);
  static_assert(zeroing_rule(none, wipe::never) == capability::zero);
  static_assert(bucketize_rule(none) == capability::resize);
  static_assert(cascade_rule(none) == capability::trim);
  static_assert(thread_cached_rule(none) == (capability::trim | capability::thread_safe));
}

TEST(rules, say_what_is_lost) {
  static_assert(fallback_rule(everything, everything) == without(everything, capability::rewind));
  static_assert(segregate_rule(everything, everything) == without(everything, capability::rewind));
  static_assert(locked_rule(everything) == everything);
  static_assert(limited_rule(everything) == without(everything, capability::rewind));
  static_assert(aligned_rule(everything) == everything);
  static_assert(affix_rule(everything) == without(everything, capability::size | capability::walk));
  static_assert(zeroing_rule(everything, wipe::never) == everything);
  static_assert(!has(zeroing_rule(everything, wipe::when_freed), capability::free_all));
  static_assert(!has(zeroing_rule(everything, wipe::when_freed), capability::rewind));
  static_assert(!has(zeroing_rule(everything, wipe::when_freed), capability::resize));  // LIFO
  static_assert(has(zeroing_rule(all_deeds, wipe::when_freed), capability::resize));
  static_assert(!has(bucketize_rule(everything), capability::rewind));
  static_assert(!has(cascade_rule(everything), capability::bounded));
  static_assert(!has(cascade_rule(everything), capability::thread_safe));
  static_assert(!has(thread_cached_rule(everything), capability::size));
  static_assert(!has(thread_cached_rule(everything), capability::walk));
}

TEST(rules, of_two_parts_tell_one_from_both) {
  constexpr capability one = capability::zero | capability::resize | capability::trim;
  static_assert(fallback_rule(everything, none) == (one | capability::lifo_only));
  static_assert(fallback_rule(none, everything) == (one | capability::lifo_only));
  static_assert(segregate_rule(everything, none) == (one | capability::lifo_only));
  static_assert(segregate_rule(none, everything) == (one | capability::lifo_only));
  // Without a size the small side must say whether a block is its own.
  constexpr capability sizes = capability::size;
  static_assert(segregate_rule(sizes, sizes) == none);
  static_assert(segregate_rule(sizes | capability::own, sizes) == sizes);
  static_assert(bucketize_rule(sizes) == capability::resize);
  static_assert(bucketize_rule(sizes | capability::own) ==
                (capability::resize | capability::own | sizes));
}

// A handle's run-time capabilities are put into the rule that was compiled with all of them.
TEST(rules, never_give_more_for_less) {
  for (std::uint32_t bits = 0; bits < 1u << 20; bits = bits == 0xff ? 1u << 16 : bits + 1) {
    const auto part = static_cast<capability>(bits);
    for (const auto rule : {limited_rule, aligned_rule, affix_rule, bucketize_rule, cascade_rule,
                            thread_cached_rule, locked_rule, fail_on_nth_rule})
      EXPECT_TRUE(is_subset(rule(part) & all_deeds, rule(all_deeds)));
    EXPECT_TRUE(is_subset(zeroing_rule(part, wipe::when_freed) & all_deeds,
                          zeroing_rule(all_deeds, wipe::when_freed)));
  }
}

TEST(composition, declares_what_its_parts_can) {
  static_assert(!can_resize<locked<plain_manager>>);
  static_assert(!can_own<locked<plain_manager>>);
  static_assert(can_own<locked<user_block_os>>);
  static_assert(can_zero<locked<user_block_os>>);
  static_assert(!can_walk<locked<user_block_os>>);
  constexpr capability of_new = capability::thread_safe | capability::serves_new;
  static_assert(capabilities_of<locked<new_manager>>() == of_new);
  static_assert(capabilities_of<aligned<64, new_manager>>() == of_new);
  static_assert(!has(capabilities_of<locked<user_block_os>>(), capability::is_os));
  static_assert(has(capabilities_of<fallback<user_block_os, user_block_os>>(),
                    capability::bounded | capability::thread_safe | capability::own));
  static_assert(!has(capabilities_of<fallback<user_block_os, new_manager>>(), capability::bounded));
}

TEST(composition, over_a_handle_has_a_table_of_its_own) {
  plain_manager plain;
  user_block_os bytes({.memory = {}});
  locked<memory> over_plain{memory(plain)};
  locked<memory> over_bytes{memory(bytes)};
  EXPECT_EQ(over_plain.ops().can, capability::thread_safe);
  EXPECT_EQ(over_plain.ops().owns, nullptr);
  EXPECT_EQ(over_plain.ops().reallocate, nullptr);
  EXPECT_TRUE(over_bytes.can(capability::own | capability::bounded | capability::zero));
  EXPECT_NE(over_bytes.ops().owns, nullptr);
  EXPECT_EQ(over_bytes.ops().walk, nullptr);
  EXPECT_FALSE(over_bytes.can(capability::is_os)) << "it is no os_manager, whatever its part is";
}

TEST(composition, asks_the_handles_inside_its_parts_too) {
  plain_manager plain;
  aligned<64, locked<memory>> tower{memory(plain)};
  static_assert(decltype(tower)::has_erased_parts);
  EXPECT_EQ(tower.ops().can, capability::thread_safe);
  EXPECT_EQ(tower.ops().walk, nullptr);
}

TEST(composition, takes_the_place_of_a_part_that_it_holds) {
  plain_manager plain;
  os_manager& os = system_os();
  user_manager user({});
  const locked<memory> over_handle{memory(plain)};
  const locked<plain_manager&> over_reference{plain};
  EXPECT_EQ(over_handle.upstream(), &plain);
  EXPECT_EQ(over_reference.upstream(), &plain);
  const limited<memory> over_os{memory(os), {}};
  EXPECT_EQ(&over_os.os(), &os);
  const locked<new_manager> over_new;
  EXPECT_EQ(over_new.upstream(), nullptr) << "the part's upstream";
  locked<user_block_os> over_block(user_block_options{});
  EXPECT_EQ(over_block.upstream(), &over_block.inner()) << "an OS manager is the end of the chain";
  EXPECT_EQ(&over_block.os(), &over_block.inner());
}

TEST(composition, may_be_constant_initialised) {
  static constinit locked<new_manager> in_static_storage;
  const allocation a = memory(in_static_storage).allocate({10});
  EXPECT_TRUE(a);
  memory(in_static_storage).deallocate(a.get());
}

TEST(composition, may_have_a_name) {
  const locked<new_manager> named([] { return new_manager(); }, "named");
  EXPECT_STREQ(named.name(), "named");
}

TEST(composition, of_pools_knows_foreign_blocks) {
  test::fault_log faults;
  bucketize<pool, 16, 32> sizes([](std::size_t size) { return pool({size, 8}); });
  cascade parts([] { return pool({16, 8}); });
  ASSERT_TRUE(sizes.allocate({16, 8}));
  ASSERT_TRUE(parts.allocate({16, 8}));
  alignas(16) static std::byte foreign[64];
  EXPECT_EQ(sizes.usable_size(foreign), 0u);
  EXPECT_EQ(parts.usable_size(foreign), 0u);
  sizes.deallocate(static_cast<void*>(foreign));
  EXPECT_TRUE(faults.took(fault_kind::invalid_free, foreign));
  sizes.deallocate(block{foreign, 33}, 8);
  EXPECT_TRUE(faults.took(fault_kind::size_mismatch, foreign));
}

TEST(thread_cached, block_that_comes_back_twice_in_a_row_is_a_fault) {
  test::fault_log faults;
  thread_cached<locked<pool>> m([] { return locked<pool>([] { return pool({64, 16}); }); });
  const allocation a = m.allocate({64});
  ASSERT_TRUE(a);
  m.deallocate(a.get());
  m.deallocate(a.get());
  EXPECT_TRUE(faults.took(fault_kind::double_free, a.data()));
  EXPECT_EQ(m.usage().used, 0u);
}

}  // namespace
}  // namespace ashlar
