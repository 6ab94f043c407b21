// SPDX-License-Identifier: MIT
// A hash of stacks that need not be made anew where only some functions have changed.
//
// A polynomial: what the outer functions have come to, times a constant, plus what the next one
// adds. So one more function costs one round, and the hash of the innermost n follows from that of
// all and that of the others.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace ashlar::observe {

inline constexpr std::uint64_t stack_hash_of_none = 0;

/// Returns the hash of a function at `code` and its callers, given theirs.
constexpr std::uint64_t stack_hash(std::uintptr_t code, std::uint64_t of_callers) {
  // The shift brings upper bits down, to which the multiplications give nothing.
  const std::uint64_t own = (code ^ code >> 21) * 0xbf58476d1ce4e5b9;
  return own + of_callers * 0x9e3779b97f4a7c15;
}

/// Returns the hash of frames, innermost first.
constexpr std::uint64_t stack_hash(const std::uintptr_t* frames, std::uint32_t count) {
  std::uint64_t hash = stack_hash_of_none;
  while (count-- > 0) hash = stack_hash(frames[count], hash);
  return hash;
}

/// Returns the hash of the innermost `n` functions, given that of all and that of the others.
/// Requires: n <= 64.
constexpr std::uint64_t stack_hash_of_first(std::uint32_t n, std::uint64_t of_all,
                                            std::uint64_t of_others) {
  constexpr auto powers = [] {
    std::array<std::uint64_t, 65> each{1};
    for (std::size_t i = 1; i < each.size(); ++i) each[i] = each[i - 1] * 0x9e3779b97f4a7c15;
    return each;
  }();
  return of_all - powers[n] * of_others;
}

}  // namespace ashlar::observe
