// SPDX-License-Identifier: MIT
#include "ashlar/replace/debug/guard.hpp"

#include <cstring>

#include "ashlar/base/bits.hpp"

namespace ashlar::replace {

namespace {

constexpr std::size_t whole_fill = 1_MiB;
constexpr std::size_t end_fill = 64_KiB;

// The guard word of eight aligned bytes: each of its bytes is odd.
std::uint64_t guard_word(std::uintptr_t at) {
  const std::uint64_t mixed = (at ^ 0x5bd1e995u) * 0x9e3779b97f4a7c15u;
  return (mixed ^ mixed >> 32) | 0x0101010101010101u;
}

std::size_t size_of(byte_range r) { return static_cast<std::size_t>(r.end - r.begin); }

// Calls `each` for the parts of a block that are filled, until it returns false.
template <class Function>
void for_each_part(byte_range block, Function each) {
  if (size_of(block) <= whole_fill) {
    each(block);
  } else if (each({block.begin, block.begin + end_fill})) {
    each({block.end - end_fill, block.end});
  }
}

}  // namespace

unsigned char guard_byte(const std::byte* at) noexcept {
  const std::uintptr_t address = address_of(at);
  return static_cast<unsigned char>(guard_word(align_down(address, 8)) >> address % 8 * 8);
}

void write_guard(byte_range guard) noexcept {
  std::byte* at = guard.begin;
  for (; at != guard.end && !is_aligned(address_of(at), 8); ++at) *at = std::byte{guard_byte(at)};
  for (; guard.end - at >= 8; at += 8) {
    const std::uint64_t word = guard_word(address_of(at));
    std::memcpy(at, &word, sizeof word);
  }
  for (; at != guard.end; ++at) *at = std::byte{guard_byte(at)};
}

std::byte* find_damage(byte_range guard) noexcept {
  for (std::byte* at = guard.begin; at != guard.end;) {
    if (is_aligned(address_of(at), 8) && guard.end - at >= 8) {
      std::uint64_t word;
      std::memcpy(&word, at, sizeof word);
      if (word == guard_word(address_of(at))) {
        at += 8;
        continue;
      }
    }
    if (*at != std::byte{guard_byte(at)}) return at;
    ++at;
  }
  return nullptr;
}

void fill_block(byte_range block, unsigned char value) noexcept {
  for_each_part(block, [value](byte_range part) {
    std::memset(part.begin, value, size_of(part));
    return true;
  });
}

std::byte* find_write(byte_range block, unsigned char value) noexcept {
  std::byte* found = nullptr;
  for_each_part(block, [&](byte_range part) {
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
