// SPDX-License-Identifier: MIT
// The fit managers over address space: committing, giving back, refusals of the OS.
#include "ashlar/fit.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "ashlar/base/units.hpp"
#include "ashlar/manager/memory_system.hpp"
#include "support/fake_os.hpp"
#include "support/pattern.hpp"

namespace ashlar {
namespace {

template <class Manager>
class fit_os_test : public testing::Test {};

using managers = testing::Types<best_fit_manager, tlsf_manager, hybrid_manager>;
TYPED_TEST_SUITE(fit_os_test, managers);

TYPED_TEST(fit_os_test, is_made_by_constants) {
  static constinit TypeParam global;
  const allocation a = global.allocate({100});
  EXPECT_TRUE(a);
  EXPECT_EQ(global.upstream(), &system_os());
  global.free_all();
  EXPECT_EQ(global.usage().held, 0u);
}

TYPED_TEST(fit_os_test, reserves_once_and_commits_as_it_grows) {
  test::fake_os os;
  TypeParam fit({.reserve = 64_MiB, .commit_step = 64_KiB});
  EXPECT_EQ(os.log().size(), 0u);
  std::vector<block> live;
  for (int i = 0; i < 1000; ++i) live.push_back(fit.allocate({10000}).get());
  EXPECT_EQ(os.count(test::call_kind::map), 1u);
  EXPECT_LT(os.log().size(), 140u) << "steps grow with the region";
  EXPECT_LE(fit.usage().held, fit.footprint() + fit.footprint() / 64 + 64_KiB);
  fit.check_invariants();
}

TYPED_TEST(fit_os_test, holds_whole_huge_pages_where_they_are_wanted) {
  test::fake_os os;
  const std::size_t huge = os::huge_page_size();
  TypeParam fit({.reserve = 8 * huge, .huge = huge_pages::wanted});
  const allocation first = fit.allocate({1000});
  EXPECT_EQ(fit.usage().held, huge);
  EXPECT_EQ(align_down(address_of(first.data()), huge) + 16, address_of(first.data()));
  EXPECT_EQ(os.count(test::call_kind::advise), 1u);
  const allocation rest = fit.allocate({8 * huge - 4000});
  EXPECT_EQ(fit.usage().held, 8 * huge);
  fit.deallocate(rest.get());
  EXPECT_GT(fit.trim(), 0u);
  EXPECT_EQ(fit.usage().held, huge);
  EXPECT_TRUE(fit.allocate({huge}));
  fit.check_invariants();
}

TYPED_TEST(fit_os_test, is_smaller_than_a_huge_page_if_it_must) {
  TypeParam fit({.reserve = 64_KiB, .huge = huge_pages::wanted});
  EXPECT_TRUE(fit.allocate({1000}));
  EXPECT_EQ(fit.usage().held, 64_KiB);
}

TYPED_TEST(fit_os_test, finds_the_first_block_again_where_links_just_reach_over_all) {
  TypeParam fit({.reserve = 32_GiB});
  const allocation first = fit.allocate({1000});
  ASSERT_TRUE(first);
  const allocation second = fit.allocate({1000});
  ASSERT_TRUE(second);
  fit.deallocate(first.get());
  fit.check_invariants();
  EXPECT_EQ(fit.allocate({1000}).data(), first.data());
  fit.check_invariants();
}

TYPED_TEST(fit_os_test, is_bounded_by_what_it_reserved) {
  TypeParam fit({.reserve = 1_MiB});
  const allocation large = fit.allocate({2_MiB});
  EXPECT_EQ(large.reason(), status::not_enough_memory);
  EXPECT_GT(large.would_fit(), 1_MiB - 64);
  EXPECT_TRUE(fit.allocate({large.would_fit()}));
  EXPECT_EQ(fit.allocate({100}).reason(), status::not_enough_memory);
  fit.check_invariants();
}

TYPED_TEST(fit_os_test, is_as_before_after_the_os_refused) {
  test::fake_os os;
  TypeParam fit({.reserve = 16_MiB});
  os.refuse_all(test::call_kind::map);
  EXPECT_EQ(fit.allocate({100}).reason(), status::no_memory);
  os.accept_all();
  const allocation a = fit.allocate({100});
  ASSERT_TRUE(a);
  os.refuse_all(test::call_kind::protect);
  const std::size_t held = fit.usage().held;
  EXPECT_EQ(fit.allocate({1_MiB}).reason(), status::no_memory);
  EXPECT_EQ(fit.allocate({1_MiB, 64_KiB}).reason(), status::no_memory);
  EXPECT_EQ(fit.reallocate(a.get(), 16, {.size = 1_MiB}).reason(), status::no_memory);
  EXPECT_EQ(fit.usage().held, held);
  os.accept_all();
  EXPECT_TRUE(fit.allocate({1_MiB}));
  fit.check_invariants();
}

TYPED_TEST(fit_os_test, gives_back_the_end_and_then_pages_inside_free_blocks) {
  TypeParam fit({.reserve = 64_MiB});
  std::vector<block> live;
  for (int i = 0; i < 8; ++i) {
    live.push_back(fit.allocate({1_MiB}).get());
    std::memset(live.back().data, 1, 1_MiB);
  }
  fit.deallocate(live[2]);
  fit.deallocate(live[7]);
  EXPECT_EQ(fit.trim(64_MiB), 0u);
  const std::size_t held = fit.usage().held;
  const std::size_t first = fit.trim(1_MiB + 64_KiB);
  EXPECT_GT(first, 800_KiB);
  EXPECT_EQ(fit.usage().held, held - first);
  EXPECT_GT(fit.trim(0), 1_MiB - 16_KiB);
  EXPECT_EQ(fit.trim(0), 0u) << "nothing is given back twice";
  fit.check_invariants();
  for (const int i : {0, 1, 3, 4, 5, 6}) {
    EXPECT_EQ(static_cast<std::byte*>(live[static_cast<std::size_t>(i)].data)[1_MiB - 1],
              std::byte{1});
  }
  const allocation again = fit.allocate_zeroed({1_MiB});
  EXPECT_EQ(again.data(), live[2].data);
  EXPECT_EQ(test::first_nonzero(again.data(), 1_MiB), 1_MiB);
  const allocation end = fit.allocate_zeroed({3_MiB});
  EXPECT_EQ(test::first_nonzero(end.data(), 3_MiB), 3_MiB);
  fit.check_invariants();
}

TYPED_TEST(fit_os_test, works_where_nothing_can_be_given_back) {
  test::fake_os os;
  TypeParam fit({.reserve = 16_MiB});
  const allocation a = fit.allocate({4_MiB});
  std::memset(a.data(), 1, 4_MiB);
  fit.deallocate(a.get());
  os.refuse_all(test::call_kind::map);
  os.refuse_all(test::call_kind::advise);
  os.refuse_all(test::call_kind::protect);
  EXPECT_EQ(fit.trim(0), 0u);
  fit.check_invariants();
  const allocation b = fit.allocate_zeroed({4_MiB - 64_KiB});
  EXPECT_EQ(test::first_nonzero(b.data(), b.size()), b.size());
  os.accept_all();
}

TYPED_TEST(fit_os_test, is_found_by_its_name) {
  TypeParam fit({.name = "level"});
  EXPECT_EQ(system().find("level"), &fit);
  EXPECT_EQ(&fit.root(), &system_os());
  EXPECT_STREQ(fit.kind(), TypeParam::kind_name);
}

TYPED_TEST(fit_os_test, may_be_told_to_commit_all_at_once) {
  TypeParam fit({.reserve = 1_MiB, .commit_step = fit_options::unlimited});
  EXPECT_TRUE(fit.allocate({100}));
  EXPECT_EQ(fit.usage().held, 1_MiB);
  fit.check_invariants();
}

TYPED_TEST(fit_os_test, finds_the_first_block_of_the_largest_region_again) {
  TypeParam fit({.reserve = 32_GiB});
  const allocation first = fit.allocate({100});
  const allocation second = fit.allocate({100});
  ASSERT_TRUE(first && second);
  fit.deallocate(first.get());
  fit.check_invariants();
  EXPECT_EQ(fit.allocate({100}).data(), first.data());
  fit.check_invariants();
}

}  // namespace
}  // namespace ashlar
