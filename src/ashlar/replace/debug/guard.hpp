// SPDX-License-Identifier: MIT
// What the debug level writes around and into blocks: guard bytes and fill patterns.
//
// A guard byte depends on its own address, so that a copy of a guard is as wrong as anything else,
// and is never zero, since what most overruns write is the end of a text.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/base/units.hpp"

namespace ashlar::replace {

enum class page_protection : std::uint8_t { off, back, front };

/// What `track=debug` does beyond recording; see docs/reference/options.md.
struct debug_settings {
  std::size_t guard = 16;  ///< bytes in front of and behind each block
  bool fill = true;
  std::size_t quarantine = 16_MiB;
  page_protection protect = page_protection::off;
  std::uint64_t check_every = 0;
};

inline constexpr std::size_t most_guard = 4_KiB;

/// What new blocks hold, unless they must be zero, and what freed ones hold. As pointers both lead
/// nowhere, as lengths they are huge, as numbers odd.
inline constexpr unsigned char fresh_byte = 0xcb;
inline constexpr unsigned char freed_byte = 0xdf;

/// Bytes `[begin, end)`.
struct byte_range {
  std::byte* begin = nullptr;
  std::byte* end = nullptr;
};

unsigned char guard_byte(const std::byte* at) noexcept;
void write_guard(byte_range guard) noexcept;
/// Returns the first byte of a guard that is not as it was written; null if all are.
std::byte* find_damage(byte_range guard) noexcept;

/// Fills a block; of one above 1 MiB only the first and the last 64 KiB, since programs take huge
/// blocks of which they touch little.
void fill_block(byte_range block, unsigned char value) noexcept;
/// Returns the first byte that `fill_block` wrote and that is another now; null if there is none.
std::byte* find_write(byte_range block, unsigned char value) noexcept;

}  // namespace ashlar::replace
