// SPDX-License-Identifier: MIT
// What tests of the fit managers over a block share: each call is followed by a look at all
// invariants.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>

#include "ashlar/base/units.hpp"
#include "ashlar/fit.hpp"
#include "support/unwatched.hpp"

namespace ashlar::test {

using fit_managers = testing::Types<best_fit_manager, tlsf_manager, hybrid_manager>;

template <class Manager>
class fit_fixture : public testing::Test {
 protected:
  ~fit_fixture() override { fit.check_invariants(); }

  std::byte* get(std::size_t size, std::size_t alignment = 16) {
    const allocation a = fit.allocate({size, alignment});
    EXPECT_TRUE(a) << to_string(a.reason());
    fit.check_invariants();
    return static_cast<std::byte*>(a.data());
  }
  void put(void* p) {
    fit.deallocate(p);
    fit.check_invariants();
  }

  unwatched exact;  // under a tool blocks are larger
  alignas(4096) std::byte memory[64_KiB];
  Manager fit{memory};
};

}  // namespace ashlar::test
