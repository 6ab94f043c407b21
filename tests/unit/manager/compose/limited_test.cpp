// SPDX-License-Identifier: MIT
// Budgets over managers that tell sizes and check them: what fails, or breaks a rule, has changed
// nothing.
#include <gtest/gtest.h>

#include "ashlar/base/units.hpp"
#include "ashlar/compose.hpp"
#include "support/fault_log.hpp"
#include "unit/manager/fit/fit_fixture.hpp"

namespace ashlar {
namespace {

template <class Manager>
class limited_fit_test : public testing::Test {
 protected:
  ~limited_fit_test() override { fit.check_invariants(); }

  test::unwatched exact;  // under a tool blocks are larger
  test::fault_log log;
  alignas(4096) std::byte bytes[16_KiB];
  Manager fit{bytes};
  limited<memory> m{memory(fit), {.limit = 1000}};
};
TYPED_TEST_SUITE(limited_fit_test, test::fit_managers);

TYPED_TEST(limited_fit_test, block_that_could_not_grow_is_freed_with_any_of_its_sizes) {
  for (const bool may_move : {true, false})
    for (const std::size_t freed : {18, 21, 24}) {
      this->m.set_limit(49);  // 56 usable bytes hold 49
      const allocation a = this->m.allocate({18, 8}, fit::get_no_less);
      ASSERT_EQ(a.size(), 24u);
      const resize change{.size = 49, .may_move = may_move};
      EXPECT_EQ(this->m.reallocate(a.get(), 8, change).reason(), status::over_budget);
      EXPECT_EQ(this->m.usage().used, 24u);
      this->m.deallocate({a.data(), freed}, 8);
      EXPECT_EQ(this->log.count(), 0u) << "freed with " << freed;
      EXPECT_EQ(this->m.usage().used, 0u);
    }
}

TYPED_TEST(limited_fit_test, grows_in_place_up_to_the_last_byte_of_the_budget) {
  this->m.set_limit(56);
  const allocation a = this->m.allocate({18, 8});
  EXPECT_EQ(this->m.reallocate({a.data(), 18}, 8, {.size = 50, .may_move = false}).data(),
            a.data());
  EXPECT_EQ(this->m.usage().used, 56u);
  this->m.deallocate({a.data(), 50}, 8);
  EXPECT_EQ(this->m.usage().used, 0u);
  EXPECT_EQ(this->log.count(), 0u);
}

TYPED_TEST(limited_fit_test, counts_what_is_told_and_not_what_lies_below) {
  aligned<64, memory> units{memory(this->fit)};
  limited<memory> whole{memory(units), {.limit = 64}};
  const allocation a = whole.allocate({10, 8});
  EXPECT_EQ(whole.usage().used, 64u);
  EXPECT_TRUE(whole.reallocate(a.get(), 8, {.size = 60, .may_move = false}));
  EXPECT_EQ(whole.reallocate({a.data(), 60}, 8, {.size = 65}).reason(), status::over_budget);
  whole.set_limit(128);
  EXPECT_TRUE(whole.reallocate({a.data(), 60}, 8, {.size = 128, .may_move = false}));
  EXPECT_EQ(whole.usage().used, 128u);
  whole.deallocate({a.data(), 128}, 8);
  EXPECT_EQ(this->log.count(), 0u);
}

TYPED_TEST(limited_fit_test, tells_one_fault_of_the_right_kind_for_one_mistake) {
  const allocation a = this->m.allocate({64});
  const allocation b = this->m.allocate({64});
  this->m.deallocate(a.get());
  const std::size_t used = this->m.usage().used;
  this->m.deallocate(a.get());
  EXPECT_TRUE(this->log.took(fault_kind::double_free, a.data()));
  memory(this->m).get()->ops().deallocate_unsized(this->m, a.data());
  EXPECT_TRUE(this->log.took(fault_kind::double_free, a.data()));
  for (const std::size_t size : {200, 2000}) {
    EXPECT_FALSE(this->m.reallocate(a.get(), 16, {.size = size}));
    EXPECT_TRUE(this->log.took(fault_kind::invalid_resize, a.data())) << size;
  }
  EXPECT_EQ(this->m.usage().used, used);
  this->m.deallocate(b.get());
  EXPECT_EQ(this->m.usage().used, 0u);
}

}  // namespace
}  // namespace ashlar
