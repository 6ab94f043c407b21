// SPDX-License-Identifier: MIT
// Blocks of multiples of 8 and of 16 beside each other, and what is too small to be one.
#include "support/pattern.hpp"
#include "unit/manager/fit/fit_fixture.hpp"

namespace ashlar {
namespace {

template <class Manager>
class fit_sizes_test : public test::fit_fixture<Manager> {};
TYPED_TEST_SUITE(fit_sizes_test, test::fit_managers);

TYPED_TEST(fit_sizes_test, takes_multiples_of_eight_where_no_more_is_asked_for) {
  std::byte* const first = this->get(40, 8);
  EXPECT_EQ(this->get(48, 1), first + 48);
  EXPECT_EQ(this->get(1, 8), first + 48 + 56);
  EXPECT_EQ(this->get(8, 8), first + 48 + 56 + 24);
  EXPECT_EQ(this->fit.usable_size(first), 40u);
  EXPECT_EQ(this->fit.usable_size(first + 48), 48u);
}

TYPED_TEST(fit_sizes_test, leaves_a_block_in_front_of_one_aligned_to_sixteen) {
  std::byte* const odd = this->get(16, 8);
  std::byte* const even = this->get(24);
  EXPECT_EQ(even, odd + 48);
  EXPECT_EQ(this->get(24), even + 32) << "from here on nothing is left out";
  EXPECT_EQ(this->get(16, 8), odd + 24) << "the gap is as good as any";
}

TYPED_TEST(fit_sizes_test, aligns_to_sixteen_in_a_block_that_is_not) {
  this->get(16, 8);
  std::byte* const hole = this->get(200, 8);  // 8 (mod 16)
  this->get(16, 8);
  this->put(hole);
  EXPECT_EQ(this->get(100), hole + 24);
  EXPECT_EQ(this->get(16, 8), hole);
}

TYPED_TEST(fit_sizes_test, keeps_a_rest_of_sixteen_bytes_for_its_neighbours) {
  std::byte* const p = this->get(56, 8);
  this->get(16, 8);
  this->put(p);
  EXPECT_EQ(this->get(40, 8), p);
  EXPECT_EQ(this->fit.usable_size(p), 40u);
  EXPECT_EQ(this->fit.fragmentation().free_blocks, 2u);
  EXPECT_NE(this->get(1, 8), p + 48) << "too small for any request";
  allocation a = this->fit.reallocate({p, 40}, 8, {.size = 56, .may_move = false});
  this->fit.check_invariants();
  EXPECT_EQ(a.data(), p);
  a = this->fit.reallocate({p, 56}, 8, {.size = 40});
  this->fit.check_invariants();
  this->put(p);
  EXPECT_EQ(this->get(56, 8), p) << "joined again";
}

TYPED_TEST(fit_sizes_test, tells_of_a_rest_of_sixteen_bytes_that_nothing_fits_into_it) {
  TypeParam full(std::span(this->memory).first(128));
  void* const p = full.allocate({56, 8}).data();
  (void)full.allocate({40, 8});
  full.deallocate(p);
  ASSERT_EQ(full.allocate({40, 8}).data(), p);
  const fragmentation_report r = full.fragmentation();
  EXPECT_EQ(r.free_blocks, 1u);
  EXPECT_EQ(r.free_bytes, 16u);
  EXPECT_EQ(r.largest_free, 0u);
  EXPECT_FALSE(full.allocate({1, 8}));
}

TYPED_TEST(fit_sizes_test, hands_a_rest_of_eight_bytes_out) {
  std::byte* const p = this->get(56, 8);
  this->get(16, 8);
  this->put(p);
  EXPECT_EQ(this->get(48, 8), p);
  EXPECT_EQ(this->fit.usable_size(p), 56u);
  this->fit.deallocate({p, 48}, 8);
  EXPECT_EQ(this->get(56, 8), p);
}

TYPED_TEST(fit_sizes_test, slides_down_over_a_rest_of_sixteen_bytes) {
  std::byte* const p = this->get(56, 8);
  std::byte* const next = this->get(56, 8);
  this->get(16, 8);
  this->put(p);
  EXPECT_EQ(this->get(40, 8), p);
  test::fill_pattern(next, 56, 5);
  const allocation a = this->fit.reallocate({next, 56}, 8, {.size = 72});
  this->fit.check_invariants();
  EXPECT_EQ(a.data(), next - 16);
  EXPECT_TRUE(test::has_pattern(a.data(), 56, 5));
}

}  // namespace
}  // namespace ashlar
