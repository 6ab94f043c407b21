// SPDX-License-Identifier: MIT
// Compares the counters of the OS layer before and after, so that tests need no clean process.
#pragma once

#include <gtest/gtest.h>

#include "ashlar/os/address_space.hpp"

namespace ashlar::test {

/// Remembers the counters at its construction.
class counter_watch {
 public:
  std::size_t reserved() const { return os::current_counters().reserved - before_.reserved; }
  std::size_t committed() const { return os::current_counters().committed - before_.committed; }
  std::uint64_t discarded() const { return os::current_counters().discarded - before_.discarded; }
  std::uint64_t calls() const { return os::current_counters().calls - before_.calls; }

  void expect(std::size_t reserved_bytes, std::size_t committed_bytes) const {
    EXPECT_EQ(reserved(), reserved_bytes);
    EXPECT_EQ(committed(), committed_bytes);
  }

 private:
  os::counters before_ = os::current_counters();
};

}  // namespace ashlar::test
