// SPDX-License-Identifier: MIT
// The registration of the suite's tests with GoogleTest.
#include "conformance/conformance.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "conformance/suite/stage.hpp"

namespace ashlar::test {

namespace {

class registered_test : public ::testing::Test {
 public:
  registered_test(const conformance_test& body, const subject_kind& kind)
      : body_(body), kind_(kind) {}
  void TestBody() override { body_.run(kind_); }

 private:
  conformance_test body_;
  subject_kind kind_;
};

// Both take from the same upstream: blocks can only go back to where they came from.
void require_adoption(const subject_kind& kind) {
  stage from(kind);
  const auto heir = kind.make(from.floor.upstream());
  manager_model to(*heir, kind, heir->get().can(capability::bounded));
  for (const std::size_t size : telling_sizes(kind.largest / 8)) {
    from.model.allocate({size, 8});
    to.allocate({size, 8});
  }
  to.adopt(from.model);
  // The one that was emptied goes first, as a thread's arena does.
  from.model.check_all();
  from.model.allocate({kind.largest, 8});
  EXPECT_EQ(from.model.problem(), "");
  from.model.end_all_blocks();
  to.check_all();
  to.allocate({1, 1});
  EXPECT_EQ(to.problem(), "");
  to.end_all_blocks();
  to.check_all();
  EXPECT_EQ(to.problem(), "");
}

}  // namespace

std::vector<std::size_t> telling_sizes(std::size_t largest) {
  std::vector<std::size_t> sizes = {0, 1};
  for (std::size_t power = 2; power <= largest; power *= 2) {
    for (const std::size_t size : {power - 1, power, power + 1, power + power / 2})
      if (size <= largest && size > sizes.back()) sizes.push_back(size);
  }
  if (largest > sizes.back()) sizes.push_back(largest);
  return sizes;
}

bool join_conformance_suite(const char* suite, const subject_kind& kind, const char* file,
                            int line) {
  std::vector<conformance_test> tests;
  for (const auto& list :
       {request_tests(), resize_tests(), lifetime_tests(), refusal_tests(), traffic_tests()})
    tests.insert(tests.end(), list.begin(), list.end());
  if (kind.adopts) tests.push_back({"hands_its_blocks_over", require_adoption});
  for (const conformance_test& test : tests) {
    ::testing::RegisterTest(suite, test.name, nullptr, nullptr, file, line,
                            [=]() -> ::testing::Test* { return new registered_test(test, kind); });
  }
  return true;
}

}  // namespace ashlar::test
