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
inline constexpr std::uint64_t stack_hash_factor = 0x9e3779b97f4a7c15;
inline constexpr auto stack_hash_powers = [] {
  std::array<std::uint64_t, 65> powers{1};
  for (std::size_t i = 1; i < powers.size(); ++i) powers[i] = powers[i - 1] * stack_hash_factor;
  return powers;
}();

/// Returns the hash of a function at `code` and its callers, given theirs.
constexpr std::uint64_t stack_hash(std::uintptr_t code, std::uint64_t of_callers) {
  // The shift brings upper bits down, to which the multiplications give nothing.
  const std::uint64_t own = (code ^ code >> 21) * 0xbf58476d1ce4e5b9;
  return own + of_callers * stack_hash_factor;
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
  return of_all - stack_hash_powers[n] * of_others;
}

}  // namespace ashlar::observe
