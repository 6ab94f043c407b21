// SPDX-License-Identifier: MIT
// Contents that tell whose they are: bytes derived from a stamp and from their position.
//
// Two blocks with different stamps differ in nearly every word, and so does a block from a copy of
// itself that is shifted. So overlap, loss and mixing up of blocks show as wrong contents.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "support/random.hpp"

namespace ashlar::test {

namespace detail {

constexpr std::uint64_t pattern_word(std::uint64_t stamp, std::size_t index) {
  return mixed(stamp) + index * 0x9e3779b97f4a7c15;
}

}  // namespace detail

/// Writes the pattern of `stamp` to `[data, data + size)`.
inline void fill_pattern(void* data, std::size_t size, std::uint64_t stamp) {
  auto* const bytes = static_cast<unsigned char*>(data);
  for (std::size_t at = 0; at < size; at += 8) {
    const std::uint64_t word = detail::pattern_word(stamp, at / 8);
    std::memcpy(bytes + at, &word, size - at < 8 ? size - at : 8);
  }
}

/// Returns the offset of the first byte that is not the pattern's, or `size` if all are.
inline std::size_t first_difference(const void* data, std::size_t size, std::uint64_t stamp) {
  const auto* const bytes = static_cast<const unsigned char*>(data);
  for (std::size_t at = 0; at < size; at += 8) {
    const std::uint64_t word = detail::pattern_word(stamp, at / 8);
    const std::size_t length = size - at < 8 ? size - at : 8;
    if (std::memcmp(bytes + at, &word, length) == 0) continue;
    const auto* const expected = reinterpret_cast<const unsigned char*>(&word);
    for (std::size_t i = 0;; ++i)
      if (bytes[at + i] != expected[i]) return at + i;
  }
  return size;
}

inline bool has_pattern(const void* data, std::size_t size, std::uint64_t stamp) {
  return first_difference(data, size, stamp) == size;
}

/// Returns the offset of the first byte that is not zero, or `size` if all are.
inline std::size_t first_nonzero(const void* data, std::size_t size) {
  const auto* const bytes = static_cast<const unsigned char*>(data);
  std::size_t at = 0;
  while (at < size && bytes[at] == 0) ++at;
  return at;
}

}  // namespace ashlar::test
