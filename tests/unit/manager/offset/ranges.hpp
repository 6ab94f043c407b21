// SPDX-License-Identifier: MIT
// What the tests of offset managers share: ranges that are known to fit, handles as faults show
// them.
#pragma once

#include <gtest/gtest.h>

#include "ashlar/base/bits.hpp"
#include "ashlar/manager/offset/offset_manager.hpp"

namespace ashlar::test {

/// A handle as the pointer of a fault.
inline const void* printed(offset_handle h) {
  return at_address(static_cast<std::uintptr_t>(h.generation) << 32 | h.index);
}

/// Returns a range that has to fit.
inline offset_range take(offset_manager& m, std::uint64_t units, std::uint64_t alignment = 1) {
  const offset_allocation got = m.allocate({units, alignment});
  EXPECT_TRUE(got) << units << " at " << alignment << ": " << to_string(got.reason);
  m.check_invariants();
  return got.range;
}

}  // namespace ashlar::test
