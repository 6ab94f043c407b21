// SPDX-License-Identifier: MIT
// How much work a test does, by how slow the build is: sanitizers cost a factor of 3 to 15.
#pragma once

#include <cstddef>

#include "ashlar/base/macros.hpp"

namespace ashlar::test {

#if ASHLAR_TSAN
inline constexpr std::size_t slowness = 12;
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_UNDEFINED__)
inline constexpr std::size_t slowness = 4;
#elif !defined(NDEBUG)
inline constexpr std::size_t slowness = 3;
#else
inline constexpr std::size_t slowness = 1;
#endif

/// Returns `count`, the work of a release build, cut down to what this build does in the same time.
constexpr std::size_t scaled(std::size_t count) {
  return count / slowness > 1 ? count / slowness : 1;
}

}  // namespace ashlar::test
