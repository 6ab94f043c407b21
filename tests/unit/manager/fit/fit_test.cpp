// SPDX-License-Identifier: MIT
// What the fit managers do beyond what the conformance suite asks of all managers.
#include "ashlar/fit.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <span>
#include <vector>

#include "support/fault_log.hpp"
#include "support/pattern.hpp"
#include "support/random.hpp"
#include "unit/manager/fit/fit_fixture.hpp"

namespace ashlar {
namespace {

template <class Manager>
class fit_test : public test::fit_fixture<Manager> {};
TYPED_TEST_SUITE(fit_test, test::fit_managers);

TYPED_TEST(fit_test, costs_eight_bytes_a_block) {
  std::byte* const first = this->get(24);
  EXPECT_EQ(this->get(56), first + 32);
  EXPECT_EQ(this->get(1), first + 96);
  EXPECT_EQ(this->fit.usable_size(first), 24u);
}

TYPED_TEST(fit_test, joins_free_neighbours_on_both_sides) {
  std::byte* const before = this->get(100);
  std::byte* const middle = this->get(100);
  std::byte* const behind = this->get(100);
  this->get(100);
  this->put(before);
  this->put(behind);
  EXPECT_EQ(this->fit.fragmentation().free_blocks, 3u);
  this->put(middle);
  EXPECT_EQ(this->fit.fragmentation().free_blocks, 2u);
  EXPECT_EQ(this->get(3 * 112 - 8), before);
}

TYPED_TEST(fit_test, lets_the_top_fall_and_touches_no_more_than_it_must) {
  std::byte* const low = this->get(1000);
  std::byte* const high = this->get(1000);
  const std::size_t footprint = this->fit.footprint();
  this->put(low);
  EXPECT_EQ(this->fit.footprint(), footprint);
  EXPECT_EQ(this->get(500), low);
  this->put(high);
  EXPECT_LT(this->fit.footprint(), footprint);
}

TYPED_TEST(fit_test, serves_each_alignment_and_keeps_what_lies_in_front) {
  for (std::size_t alignment = 1; alignment <= 16_KiB; alignment *= 2) {
    std::byte* const p = this->get(40, alignment);
    EXPECT_EQ(address_of(p) % alignment, 0u);
    EXPECT_NE(this->get(1), p);
  }
  EXPECT_EQ(this->fit.allocate({1, fit_block::reach * 2}).reason(), status::bad_alignment);
}

TYPED_TEST(fit_test, grows_and_shrinks_in_place) {
  std::byte* const p = this->get(100);
  std::byte* const next = this->get(1000);
  this->get(16);
  test::fill_pattern(p, 100, 1);
  this->put(next);
  allocation a = this->fit.reallocate({p, 100}, 16, {.size = 900, .may_move = false});
  this->fit.check_invariants();
  EXPECT_EQ(a.data(), p);
  EXPECT_EQ(this->fit.reallocate({p, 900}, 16, {.size = 5000, .may_move = false}).reason(),
            status::unsupported);
  a = this->fit.reallocate({p, 900}, 16, {.size = 50});
  this->fit.check_invariants();
  EXPECT_EQ(a.data(), p);
  EXPECT_TRUE(test::has_pattern(p, 50, 1));
  EXPECT_EQ(this->get(500), p + 64);
}

TYPED_TEST(fit_test, grows_the_last_block_into_the_wilderness) {
  std::byte* const p = this->get(100);
  const allocation a = this->fit.reallocate({p, 100}, 16, {.size = 50000, .may_move = false});
  EXPECT_EQ(a.data(), p);
  EXPECT_EQ(a.size(), 50000u);
}

TYPED_TEST(fit_test, slides_down_over_a_free_block_in_front) {
  std::byte* const before = this->get(1000);
  std::byte* const p = this->get(1000);
  this->get(16);
  test::fill_pattern(p, 600, 3);
  this->put(before);
  const allocation a = this->fit.reallocate({p, 1000}, 16, {.size = 1500, .used = 600});
  this->fit.check_invariants();
  EXPECT_EQ(a.data(), before);
  EXPECT_TRUE(test::has_pattern(a.data(), 600, 3));
}

TYPED_TEST(fit_test, keeps_to_its_budget_exactly) {
  TypeParam small(this->memory, {.limit = 1000});
  const allocation a = small.allocate({600});
  ASSERT_TRUE(a);
  EXPECT_EQ(small.allocate({600}).reason(), status::over_budget);
  const std::size_t left = 1000 - small.usage().used;
  EXPECT_TRUE(small.allocate({left / 16 * 16 + 8 > left ? left / 16 * 16 - 8 : left}));
  EXPECT_EQ(small.reallocate(a.get(), 16, {.size = 2000}).reason(), status::over_budget);
  EXPECT_LE(small.usage().peak_used, 1000u);
  small.check_invariants();
}

TYPED_TEST(fit_test, clears_fresh_memory_only_once) {
  std::vector<std::byte> zeroes(16_KiB);
  TypeParam clean(zeroes, {.zeroed = true});
  // Were fresh memory cleared again, the mark would go.
  zeroes[8_KiB] = std::byte{7};
  const allocation fresh = clean.allocate_zeroed({12_KiB});
  EXPECT_EQ(test::first_nonzero(fresh.data(), 12_KiB),
            static_cast<std::size_t>(&zeroes[8_KiB] - static_cast<std::byte*>(fresh.data())));
  std::memset(fresh.data(), 1, 12_KiB);
  clean.deallocate(fresh.get());
  const allocation used = clean.allocate_zeroed({14_KiB});
  EXPECT_EQ(test::first_nonzero(used.data(), 14_KiB), 14_KiB);
}

TYPED_TEST(fit_test, clears_all_of_a_block_of_unknown_contents) {
  std::memset(this->memory, 0x5a, sizeof this->memory);
  const allocation a = this->fit.allocate_zeroed({30_KiB});
  EXPECT_EQ(test::first_nonzero(a.data(), 30_KiB), 30_KiB);
}

TYPED_TEST(fit_test, remembers_a_tag_for_each_block) {
  this->fit.set_tag(5);
  std::byte* const p = this->get(100);
  this->fit.set_tag(6);
  std::byte* const q = this->get(100);
  EXPECT_EQ(this->fit.tag_of(p), 5);
  EXPECT_EQ(this->fit.tag_of(q), 6);
  this->fit.set_tag_of(p, 0xffff);
  this->put(q);
  const allocation moved = this->fit.reallocate({p, 100}, 16, {.size = 300});
  EXPECT_EQ(this->fit.tag_of(moved.data()), 0xffff);
  EXPECT_EQ(this->fit.usable_size(moved.data()), 312u);
}

TYPED_TEST(fit_test, reports_where_its_memory_is) {
  std::byte* const p = this->get(100);  // 104 of them usable
  this->get(40);
  this->get(3);
  this->put(p);
  const fragmentation_report r = this->fit.fragmentation();
  EXPECT_EQ(r.live_blocks, 2u);
  EXPECT_EQ(r.live_bytes, 43u);
  EXPECT_EQ(r.slack, 21u);
  EXPECT_EQ(r.headers, 16u);
  EXPECT_EQ(r.unused_bytes(), 37u);
  EXPECT_EQ(r.free_blocks, 2u);
  EXPECT_EQ(r.free_bytes + r.live_bytes + r.slack + r.headers + 16, sizeof this->memory);
  EXPECT_TRUE(this->fit.allocate({r.largest_free}));
}

TYPED_TEST(fit_test, takes_further_blocks_in) {
  // A block on the stack would be out of reach: more than 16 GiB away.
  const std::span<std::byte> more[2] = {std::span(this->memory).subspan(16_KiB, 8_KiB),
                                        std::span(this->memory).subspan(40_KiB, 8_KiB)};
  TypeParam small(std::span<std::byte>(this->memory).first(1_KiB));
  EXPECT_EQ(small.allocate({4_KiB}).reason(), status::not_enough_memory);
  EXPECT_EQ(small.add(std::span(this->memory).first(512)), status::unsupported) << "overlap";
  EXPECT_EQ(small.add(more[0].first(32)), status::not_enough_memory);
  EXPECT_EQ(small.add(more[0].subspan(3)), status::success);
  EXPECT_EQ(small.add(more[1]), status::success);
  EXPECT_EQ(small.add(more[1].last(1_KiB)), status::unsupported) << "overlap";
  small.check_invariants();
  const allocation a = small.allocate({7_KiB});
  const allocation b = small.allocate({7_KiB});
  ASSERT_TRUE(a && b);
  EXPECT_TRUE(small.owns(a.data()));
  EXPECT_FALSE(small.owns(this->memory + 2_KiB));
  small.free_all();
  small.check_invariants();
  EXPECT_TRUE(small.allocate({7_KiB}));
  EXPECT_TRUE(small.allocate({7_KiB}));
}

TYPED_TEST(fit_test, does_not_take_in_what_its_links_do_not_reach) {
  std::byte* const far = at_address(address_of(this->memory) ^ std::uintptr_t{1} << 40);
  EXPECT_EQ(this->fit.add({far, 1_MiB}), status::unsupported);
}

TYPED_TEST(fit_test, is_of_no_use_over_too_small_a_block) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{63}}) {
    TypeParam none(std::span<std::byte>(this->memory).first(size));
    EXPECT_EQ(none.allocate({1}).reason(), status::not_enough_memory);
    EXPECT_EQ(none.allocate_zeroed({1}).reason(), status::not_enough_memory);
    none.free_all();
    none.check_invariants();
  }
}

TYPED_TEST(fit_test, has_all_its_memory_back_after_everything_was_freed) {
  test::random_source random(4);
  std::vector<std::byte*> live;
  for (int i = 0; i < 300; ++i) live.push_back(this->get(random.below(150)));
  while (!live.empty()) {
    std::swap(live[random.below(live.size())], live.back());
    this->put(live.back());
    live.pop_back();
  }
  EXPECT_EQ(this->fit.fragmentation().free_blocks, 1u);
  EXPECT_EQ(this->fit.usage().used, 0u);
  EXPECT_EQ(this->fit.footprint(), 16u);
}

}  // namespace
}  // namespace ashlar
