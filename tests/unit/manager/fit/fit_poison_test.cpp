// SPDX-License-Identifier: MIT
// What fit managers do where a tool is told of each block: a red zone that nobody sees. What the
// tools then find is the matter of tests/poison.
#include <gtest/gtest.h>

#include "support/fault_log.hpp"
#include "support/pattern.hpp"
#include "support/random.hpp"
#include "support/unwatched.hpp"
#include "unit/manager/fit/fit_fixture.hpp"

namespace ashlar {
namespace {

template <class Manager>
class fit_poison_test : public testing::Test {
 protected:
  ~fit_poison_test() override { fit.check_invariants(); }

  test::watched by_a_tool;
  test::fault_log log;
  alignas(4096) std::byte memory[64_KiB];
  Manager fit{memory};
};
TYPED_TEST_SUITE(fit_poison_test, test::fit_managers);

TYPED_TEST(fit_poison_test, gives_what_was_asked_for_and_sixteen_bytes_apart) {
  for (const std::size_t size : {0u, 1u, 8u, 24u, 100u}) {
    const allocation a = this->fit.allocate({size, 8}, fit::get_no_less);
    const allocation b = this->fit.allocate({size, 8});
    EXPECT_EQ(a.size(), size);
    EXPECT_EQ(this->fit.usable_size(a.data()), size);
    EXPECT_GE(address_of(b.data()) - address_of(a.data()), size + 16 + 8);
  }
  std::size_t sum = 0;
  this->fit.walk({&sum, [](void* context, const walked_block& found) {
                    *static_cast<std::size_t*>(context) += found.size;
                    return true;
                  }});
  EXPECT_EQ(sum, 2u * (1 + 8 + 24 + 100));
}

TYPED_TEST(fit_poison_test, keeps_the_red_zone_when_it_resizes) {
  void* const a = this->fit.allocate({100}).data();
  EXPECT_TRUE(this->fit.reallocate({a, 100}, 16, {.size = 40, .may_move = false}));
  EXPECT_EQ(this->fit.usable_size(a), 40u);
  void* const b = this->fit.allocate({24}).data();
  EXPECT_GE(address_of(b) - address_of(a), 40u + 16 + 8);
  EXPECT_FALSE(this->fit.reallocate({a, 40}, 16, {.size = 64, .may_move = false}));
  this->fit.deallocate(block{a, 40});
  EXPECT_EQ(this->log.count(), 0u);
}

TYPED_TEST(fit_poison_test, tells_what_would_fit) {
  const allocation refused = this->fit.allocate({100_KiB});
  ASSERT_EQ(refused.reason(), status::not_enough_memory);
  EXPECT_TRUE(this->fit.allocate({refused.would_fit()}));
}

TYPED_TEST(fit_poison_test, keeps_contents_through_a_random_walk) {
  test::random_source random(7);
  struct {
    std::byte* data;
    std::size_t size;
  } blocks[40] = {};
  for (std::size_t step = 0; step < 3000; ++step) {
    auto& b = blocks[random.next() % 40];
    const std::size_t size = random.next() % (step % 16 == 0 ? 4000 : 200);
    EXPECT_TRUE(b.data == nullptr || test::has_pattern(b.data, b.size, b.size));
    allocation a;
    if (b.data != nullptr && step % 2 == 0) {
      const std::size_t kept = size < b.size ? size : b.size;
      a = this->fit.reallocate({b.data, b.size}, 16, {.size = size});
      if (!a) continue;
      EXPECT_TRUE(test::has_pattern(static_cast<std::byte*>(a.data()), kept, b.size));
    } else {
      this->fit.deallocate(block{b.data, b.size});
      a = this->fit.allocate({size});
    }
    b = {static_cast<std::byte*>(a.data()), a ? size : 0};
    if (a) test::fill_pattern(b.data, b.size, b.size);
    if (step % 64 == 0) this->fit.check_invariants();
  }
  EXPECT_EQ(this->log.count(), 0u);
}

}  // namespace
}  // namespace ashlar
