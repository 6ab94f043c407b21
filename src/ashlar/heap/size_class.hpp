// SPDX-License-Identifier: MIT
// Size classes: which sizes of blocks exist, and which of them serves a request.
//
//   small    16 .. 128 in steps of 16           8 classes
//            160 .. 1024, 4 a doubling         12           slack at most 20 %
//            1152 .. 16 KiB, 8 a doubling      32           slack at most 11 %
//            20 KiB .. 32 KiB, 4 a doubling     4
//   medium   40 KiB .. 256 KiB, 4 a doubling   12           slabs of several slices
//   large    beyond: whole pages, a span of its own
//
// Eight a doubling above 1 KiB, because there a byte of slack costs real memory and a slab holds
// few blocks anyway; four below, because each class in use keeps a slab of its own partly empty.
// All small sizes are multiples of 16, and of 128 above 1 KiB: two tables answer every request.
// A class of a power-of-two size exists in each doubling; blocks lie at multiples of their size
// from an aligned slab, so a block is aligned to every power of two that divides its size.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "ashlar/base/bits.hpp"
#include "ashlar/base/units.hpp"
#include "ashlar/structure/page_map.hpp"

namespace ashlar {

using size_class = std::uint32_t;

inline constexpr std::size_t tiny_limit = 1_KiB;      ///< first table
inline constexpr std::size_t small_limit = 32_KiB;    ///< second table; blocks in one slice
inline constexpr std::size_t medium_limit = 256_KiB;  ///< blocks in slabs of several slices
inline constexpr size_class small_class_count = 56;
inline constexpr size_class class_count = 68;

/// What is known about a class at compile time.
struct size_class_info {
  std::uint32_t block_size = 0;
  std::uint32_t magic = 0;     ///< ceil(2^32 / block_size); small classes only
  std::uint32_t slices = 0;    ///< of one slab
  std::uint16_t capacity = 0;  ///< blocks in one slab
};

namespace detail {

/// Fewest slices, at most 8, whose unused tail is at most an eighth of the slab.
constexpr std::uint32_t slices_for_medium(std::uint32_t size) {
  for (std::uint32_t slices = 3; slices <= 8; ++slices) {
    const std::size_t bytes = slices * slice_size;
    if (bytes % size <= bytes / 8 && bytes / size >= 1) return slices;
  }
  return 8;
}

constexpr std::array<size_class_info, class_count> make_classes() {
  std::array<size_class_info, class_count> table{};
  std::uint32_t size = 16;
  for (size_class c = 0; c < class_count; ++c) {
    size_class_info& info = table[c];
    info.block_size = size;
    info.slices = size <= small_limit ? 1 : slices_for_medium(size);
    info.capacity = static_cast<std::uint16_t>(info.slices * slice_size / size);
    if (size <= small_limit)
      info.magic = static_cast<std::uint32_t>(((std::uint64_t{1} << 32) + size - 1) / size);
    const std::uint32_t doubling = std::uint32_t{1} << log2_floor(size);
    if (size < 128)
      size += 16;
    else if (size < 1_KiB || size >= 16_KiB)
      size += doubling / 4;
    else
      size += doubling / 8;
  }
  return table;
}

}  // namespace detail

inline constexpr std::array<size_class_info, class_count> size_classes = detail::make_classes();
static_assert(slice_size / 16 <= 0xffff);  // blocks of a slab
static_assert(size_classes[small_class_count - 1].block_size == small_limit);
static_assert(size_classes[class_count - 1].block_size == medium_limit);

namespace detail {

template <std::size_t Step, std::size_t Limit>
constexpr auto make_lookup() {
  std::array<std::uint8_t, Limit / Step + 1> table{};
  size_class c = 0;
  for (std::size_t i = 0; i < table.size(); ++i) {
    while (size_classes[c].block_size < i * Step) ++c;
    table[i] = static_cast<std::uint8_t>(c);
  }
  return table;
}

inline constexpr auto class_by_16 = make_lookup<16, tiny_limit>();
inline constexpr auto class_by_128 = make_lookup<128, small_limit>();

}  // namespace detail

/// Returns the class that serves `size`. Requires: size <= medium_limit.
constexpr size_class class_of(std::size_t size) {
  if (size <= tiny_limit) return detail::class_by_16[(size + 15) / 16];
  if (size <= small_limit) return detail::class_by_128[(size + 127) / 128];
  const unsigned doubling = log2_floor(size - 1);  // sizes in (2^15, 2^18]
  const auto quarter = static_cast<size_class>((size - 1) >> (doubling - 2)) & 3;
  return small_class_count + (doubling - 15) * 4 + quarter;
}

/// Returns the first class from `class_of(size)` on whose blocks are all aligned to `alignment`.
/// Requires: size <= medium_limit, alignment a power of two of at most a slice.
/// Returns `class_count` if there is none.
constexpr size_class aligned_class_of(std::size_t size, std::size_t alignment) {
  const std::size_t rounded = align_up(size == 0 ? 1 : size, alignment);
  if (rounded > medium_limit) return class_count;
  size_class c = class_of(rounded);
  while (c < class_count && !is_aligned(size_classes[c].block_size, alignment)) ++c;
  return c;
}

}  // namespace ashlar
