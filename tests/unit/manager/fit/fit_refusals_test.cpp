// SPDX-License-Identifier: MIT
// What a refusal promises where blocks have to be aligned: no less is refused than is served.
#include <gtest/gtest.h>

#include <vector>

#include "support/random.hpp"
#include "unit/manager/fit/fit_fixture.hpp"

namespace ashlar {
namespace {

template <class Manager>
class fit_refusals_test : public testing::Test {
 protected:
  struct held {
    void* data;
    std::size_t size;
    std::size_t alignment;
  };

  // Blocks of all kinds come and go, so that of what is free much lies badly.
  void change_something(std::size_t alignment) {
    const std::size_t size = random.below(6) == 0 ? random.below(6000) : random.below(300);
    const layout request{size, random.below(3) == 0 ? alignment : 16};
    if (random.below(4) != 0 || blocks.empty()) {
      const allocation a = fit.allocate(request);
      if (a) return blocks.push_back({a.data(), size, request.alignment});
      if (request.alignment > 8) check_promise(a, request.alignment);
    }
    if (blocks.empty()) return;
    held& one = blocks[random.below(blocks.size())];
    fit.deallocate({one.data, one.size}, one.alignment);
    one = blocks.back();
    blocks.pop_back();
  }

  void check_promise(const allocation& refused, std::size_t alignment) {
    ASSERT_EQ(refused.reason(), status::not_enough_memory);
    const std::size_t most = refused.would_fit();
    ASSERT_FALSE(fit.allocate({most + 1, alignment})) << "aligned to " << alignment;
    for (std::size_t size = most; size > 0 && size + 400 > most; size -= size < 8 ? size : 8) {
      const allocation a = fit.allocate({size, alignment});
      ASSERT_TRUE(a) << most << " bytes aligned to " << alignment << " fit, but not " << size;
      fit.deallocate(a.get(), alignment);
    }
    ++refusals;
  }

  alignas(4096) std::byte memory[128_KiB];
  Manager fit{memory};
  std::vector<held> blocks;
  test::random_source random{7};
  unsigned refusals = 0;
};
TYPED_TEST_SUITE(fit_refusals_test, test::fit_managers);

TYPED_TEST(fit_refusals_test, serve_no_larger_request_than_is_refused) {
  for (const std::size_t alignment : {16, 32, 256, 1024, 4096}) {
    this->refusals = 0;
    for (int i = 0; i < 6000 && !this->HasFatalFailure(); ++i) this->change_something(alignment);
    EXPECT_GT(this->refusals, 100u) << alignment;
    this->fit.check_invariants();
  }
}

}  // namespace
}  // namespace ashlar
