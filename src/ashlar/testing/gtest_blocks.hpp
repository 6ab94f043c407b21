// SPDX-License-Identifier: MIT
// The blocks that GoogleTest itself keeps of a test: what it failed of, its properties, the message
// of its last death test. A tracked process has them, and the test has leaked none of them.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace ashlar::detail {

/// Addresses where a block may begin. Those of texts that lie within other objects are among them,
/// and do no harm.
class gtest_blocks {
 public:
  gtest_blocks() { add(::testing::internal::DeathTest::LastMessage()); }

  void add_result(const ::testing::TestResult& result) {
    for (int i = 0; i < result.total_part_count(); ++i) {
      const ::testing::TestPartResult& part = result.GetTestPartResult(i);
      add(&part);
      add(part.file_name());
      add(part.summary());
      add(part.message());
    }
    for (int i = 0; i < result.test_property_count(); ++i) {
      const ::testing::TestProperty& property = result.GetTestProperty(i);
      add(&property);
      add(property.key());
      add(property.value());
    }
  }

  /// To be called once all are in it. From then on `holds` allocates nothing.
  void finish() { std::sort(addresses_.begin(), addresses_.end()); }
  bool holds(const void* data) const {
    return std::binary_search(addresses_.begin(), addresses_.end(), data);
  }

 private:
  void add(const void* p) { addresses_.push_back(p); }

  std::vector<const void*> addresses_;
};

}  // namespace ashlar::detail
