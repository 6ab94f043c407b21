// SPDX-License-Identifier: MIT
// What the debug level writes around and into blocks: guard bytes and fill patterns.
//
// What a guard holds depends on where it begins, so that a copy of a guard is as wrong as anything
// else; no byte of it is zero, since what most overruns write is the end of a text.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/base/bits.hpp"
#include "ashlar/base/units.hpp"

namespace ashlar::replace {

enum class page_protection : std::uint8_t { off, back, front };

inline constexpr std::ptrdiff_t usual_guard = 16;

/// What `track=debug` does beyond recording; see docs/reference/options.md.
struct debug_settings {
  std::size_t guard = usual_guard;  ///< bytes in front of and behind each block
  std::size_t fill = 1_KiB;         ///< bytes at either end of new and freed blocks
  std::size_t quarantine = 4_MiB;   ///< what rests there leaves the caches for it
  page_protection protect = page_protection::off;
  std::uint64_t check_every = 0;
  bool header = false;            ///< a `debug_header` in front of each block
  std::uint64_t most_frames = 0;  ///< that a block may live; 0: any number
  bool log = false;               ///< events are logged

  // What follows from these, for the fast paths.
  std::size_t front = usual_guard;  ///< bytes of header and guard in front of a block
  bool is_plain = true;             ///< guards, filling and quarantine are all that is done
};

inline constexpr std::size_t most_guard = 4_KiB;

/// What is aligned to more than this has neither guard nor page in front, which would take up as
/// much address space.
inline constexpr std::size_t most_aligned_front = 16_MiB;

/// What new blocks hold, unless they must be zero, and what freed ones hold. As pointers both lead
/// nowhere, as lengths they are huge, as numbers odd.
inline constexpr unsigned char fresh_byte = 0xcb;
inline constexpr unsigned char freed_byte = 0xdf;

/// Bytes `[begin, end)`.
struct byte_range {
  std::byte* begin = nullptr;
  std::byte* end = nullptr;
};

/// The words of a guard that begins at `begin`, one after the other. All their bytes are odd.
class guard_words {
 public:
  explicit guard_words(const std::byte* begin) noexcept {
    const std::uint64_t mixed = (address_of(begin) ^ 0x5bd1e995u) * 0x9e3779b97f4a7c15u;
    word_ = mixed ^ mixed >> 32;
  }
  std::uint64_t next() noexcept {
    skip(1);
    return word_ | 0x0101010101010101u;
  }
  void skip(std::size_t words) noexcept { word_ += words * 0x6a09e667f3bcc908u; }

 private:
  std::uint64_t word_;
};

/// What the byte at `at`, which is one of the guard's, holds.
unsigned char guard_byte(byte_range guard, const std::byte* at) noexcept;
/// Returns the first byte of a guard that is not as it was written; null if all are.
std::byte* find_damage(byte_range guard) noexcept;

// The next two by the compiler's own name for memcpy: malloc's code is compiled so that no loop of
// it becomes a call of calloc, and so every other use is a call.

inline void write_guard(byte_range guard) noexcept {
  guard_words words(guard.begin);
  std::byte* at = guard.begin;
  if (guard.end - at == usual_guard) [[likely]] {
    const std::uint64_t both[2] = {words.next(), words.next()};
    __builtin_memcpy(at, both, sizeof both);
    return;
  }
  for (; guard.end - at >= 8; at += 8) {
    const std::uint64_t word = words.next();
    __builtin_memcpy(at, &word, sizeof word);
  }
  for (std::uint64_t rest = words.next(); at != guard.end; ++at, rest >>= 8)
    *at = static_cast<std::byte>(rest);
}

/// As `find_damage`, quicker: whether there is none.
inline bool is_whole(byte_range guard) noexcept {
  guard_words words(guard.begin);
  std::uint64_t difference = 0;
  const std::byte* at = guard.begin;
  if (guard.end - at == usual_guard) [[likely]] {
    std::uint64_t both[2];
    __builtin_memcpy(both, at, sizeof both);
    difference = both[0] ^ words.next();
    return (difference | (both[1] ^ words.next())) == 0;
  }
  for (; guard.end - at >= 8; at += 8) {
    std::uint64_t word;
    __builtin_memcpy(&word, at, sizeof word);
    difference |= word ^ words.next();
  }
  for (std::uint64_t rest = words.next(); at != guard.end; ++at, rest >>= 8)
    difference |= static_cast<std::uint8_t>(rest) ^ static_cast<std::uint8_t>(*at);
  return difference == 0;
}

/// Fills up to `most` bytes at either end of a block: of large ones programs touch little.
void fill_block(byte_range block, std::size_t most, unsigned char value) noexcept;
/// Whether `fill_block` wrote to `at`, which is one of the block's.
inline bool is_filled(byte_range block, std::size_t most, const std::byte* at) noexcept {
  return static_cast<std::size_t>(at - block.begin) < most ||
         static_cast<std::size_t>(block.end - at) <= most;
}
/// Returns the first byte that `fill_block` wrote and that is another now; null if there is none.
std::byte* find_write(byte_range block, std::size_t most, unsigned char value) noexcept;

}  // namespace ashlar::replace
