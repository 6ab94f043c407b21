// SPDX-License-Identifier: MIT
// Arithmetic on sizes, addresses and alignments, with overflow made visible.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace ashlar {

constexpr std::size_t smaller(std::size_t a, std::size_t b) { return a < b ? a : b; }
constexpr std::size_t larger(std::size_t a, std::size_t b) { return a > b ? a : b; }

/// Size 0 is served as 1.
constexpr std::size_t at_least_one(std::size_t n) { return n + (n == 0); }

constexpr bool is_power_of_two(std::size_t n) { return n != 0 && (n & (n - 1)) == 0; }

/// Rounds `n` up to a multiple of `alignment`, a power of two. Wraps to a small value on overflow.
constexpr std::size_t align_up(std::size_t n, std::size_t alignment) {
  return (n + alignment - 1) & ~(alignment - 1);
}

constexpr std::size_t align_down(std::size_t n, std::size_t alignment) {
  return n & ~(alignment - 1);
}

constexpr bool is_aligned(std::size_t n, std::size_t alignment) {
  return (n & (alignment - 1)) == 0;
}

constexpr std::size_t divide_up(std::size_t n, std::size_t divisor) {
  return n / divisor + (n % divisor != 0);
}

constexpr unsigned log2_floor(std::size_t n) {
  return static_cast<unsigned>(std::bit_width(n)) - 1;
}

/// Stores `a * b` in `product`. Returns false, leaving it unspecified, if the product overflows.
constexpr bool checked_multiply(std::size_t a, std::size_t b, std::size_t& product) {
  return !__builtin_mul_overflow(a, b, &product);
}

constexpr bool checked_add(std::size_t a, std::size_t b, std::size_t& sum) {
  return !__builtin_add_overflow(a, b, &sum);
}

/// Returns `a + b`, or the largest number where that is too large: of sums that must not get small.
constexpr std::uint64_t capped_sum(std::uint64_t a, std::uint64_t b) {
  std::uint64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? ~std::uint64_t{0} : sum;
}

inline std::uintptr_t address_of(const void* p) { return reinterpret_cast<std::uintptr_t>(p); }

inline std::byte* at_address(std::uintptr_t address) {
  return reinterpret_cast<std::byte*>(address);  // NOLINT(performance-no-int-to-ptr)
}

}  // namespace ashlar
