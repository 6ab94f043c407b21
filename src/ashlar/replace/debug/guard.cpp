// SPDX-License-Identifier: MIT
#include "ashlar/replace/debug/guard.hpp"

#include <cstring>

namespace ashlar::replace {

namespace {

std::size_t size_of(byte_range r) { return static_cast<std::size_t>(r.end - r.begin); }

// Calls `each` for the parts of a block that are filled, until it returns false.
template <class Function>
void for_each_part(byte_range block, std::size_t most, Function each) {
  if (most == 0) return;
  if (size_of(block) / 2 <= most)
    each(block);
  else if (each({block.begin, block.begin + most}))
    each({block.end - most, block.end});
}

}  // namespace

unsigned char guard_byte(byte_range guard, const std::byte* at) noexcept {
  guard_words words(guard.begin);
  const auto offset = static_cast<std::size_t>(at - guard.begin);
  words.skip(offset / 8);
  return static_cast<unsigned char>(words.next() >> offset % 8 * 8);
}

std::byte* find_damage(byte_range guard) noexcept {
  for (std::byte* at = guard.begin; at != guard.end; ++at)
    if (*at != std::byte{guard_byte(guard, at)}) return at;
  return nullptr;
}

void fill_block(byte_range block, std::size_t most, unsigned char value) noexcept {
  for_each_part(block, most, [value](byte_range part) {
    std::memset(part.begin, value, size_of(part));
    return true;
  });
}

std::byte* find_write(byte_range block, std::size_t most, unsigned char value) noexcept {
  std::byte* found = nullptr;
  for_each_part(block, most, [&](byte_range part) {
    // Equal to itself one byte on, and begins with the value: all bytes are the value.
    const std::size_t size = size_of(part);
    if (size == 0 ||
        (*part.begin == std::byte{value} && std::memcmp(part.begin, part.begin + 1, size - 1) == 0))
      return true;
    for (found = part.begin; *found == std::byte{value};) ++found;
    return false;
  });
  return found;
}

}  // namespace ashlar::replace
