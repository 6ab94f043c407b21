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

/// The words of one stamp's pattern.
class pattern {
 public:
  explicit pattern(std::uint64_t stamp) : base_(mixed(stamp)) {}
  std::uint64_t word(std::size_t index) const { return base_ + index * 0x9e3779b97f4a7c15; }

 private:
  std::uint64_t base_;
};

/// Writes the pattern of `stamp` to `[data, data + size)`.
inline void fill_pattern(void* data, std::size_t size, std::uint64_t stamp) {
  auto* const bytes = static_cast<unsigned char*>(data);
  const pattern words(stamp);
  std::size_t at = 0;
  for (; at + 8 <= size; at += 8) {
    const std::uint64_t word = words.word(at / 8);
    std::memcpy(bytes + at, &word, 8);
  }
  const std::uint64_t last = words.word(at / 8);
  std::memcpy(bytes + at, &last, size - at);
}

/// Returns the offset of the first byte that is not the pattern's, or `size` if all are.
inline std::size_t first_difference(const void* data, std::size_t size, std::uint64_t stamp) {
  const auto* const bytes = static_cast<const unsigned char*>(data);
  const pattern words(stamp);
  std::size_t at = 0;
  std::uint64_t found = 0;
  for (; at + 8 <= size; at += 8) {
    std::memcpy(&found, bytes + at, 8);
    if (found != words.word(at / 8)) break;
  }
  const std::uint64_t word = words.word(at / 8);
  unsigned char expected[8];
  std::memcpy(expected, &word, 8);
  for (std::size_t i = 0; i < 8 && at < size; ++i, ++at)
    if (bytes[at] != expected[i]) return at;
  return at;
}

inline bool has_pattern(const void* data, std::size_t size, std::uint64_t stamp) {
  return first_difference(data, size, stamp) == size;
}

/// Returns the offset of the first byte that is not zero, or `size` if all are.
inline std::size_t first_nonzero(const void* data, std::size_t size) {
  const auto* const bytes = static_cast<const unsigned char*>(data);
  std::size_t at = 0;
  std::uint64_t word = 0;
  for (; at + 8 <= size && word == 0; at += 8) std::memcpy(&word, bytes + at, 8);
  if (word != 0) at -= 8;
  while (at < size && bytes[at] == 0) ++at;
  return at;
}

}  // namespace ashlar::test
