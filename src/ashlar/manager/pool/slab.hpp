// SPDX-License-Identifier: MIT
// A slab: memory cut into equal blocks, with a small header; and the arithmetic of its blocks.
//
// A slab lies at a multiple of its size, a power of two, so the slab of a block is one mask away.
// Blocks of at most half an OS page never cross from one page into the next: each page begins with
// a block, and what does not fit at its end stays empty. Larger blocks lie end to end.
//
//     small:  |header..|block|block|. |block|block|block|. |block|block|block|. |
//             |<------- page -------->|<------ page ------>|
//     large:  |header|   block   |   block   |   block   |.|
//
// In a slab of small blocks the header takes up whole blocks, so that in every page a block starts
// at each multiple of the block size: one multiplication tells whether a block starts at a place.
// (n is a multiple of d just if n * ceil(2^64 / d) mod 2^64 is below ceil(2^64 / d), for n < 2^32:
// Lemire, Kaser and Kurz, "Faster remainder by direct computation", 2019.)
//
// Threads: none of it is shared; who changes a slab owns it.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "ashlar/base/bits.hpp"
#include "ashlar/base/block.hpp"
#include "ashlar/base/macros.hpp"
#include "ashlar/base/poison.hpp"

namespace ashlar {

class pool_core;

/// The first bytes of a slab.
struct pool_slab {
  pool_core* owner;
  void* free;       // the blocks that came back, each holding the address of the next
  pool_slab* next;  // in the owner's list
  pool_slab* prev;
  void* raw;  // what the upstream gave, where it could not align
  std::size_t raw_size;
  std::uint32_t live;    // blocks with callers; while the slab is current: not kept up to date
  std::uint32_t carved;  // blocks ever handed out: those behind are fresh. Current: as `live`
  std::size_t size;
};
static_assert(sizeof(pool_slab) == 64);

/// Where blocks lie in the slabs of one pool.
struct ASHLAR_EXPORT slab_shape {
  std::size_t block_size = 0;  ///< 0: not known yet
  std::size_t alignment = 0;   ///< what all blocks are aligned to
  std::size_t slab_size = 0;   ///< a power of two
  std::size_t page = 0;        ///< blocks do not cross its multiples; `slab_size` for large blocks
  std::size_t page_mask = 0;   ///< page - 1
  // The k-th block of a page times the reciprocal, modulo 2^64, is k times what block_size times
  // the reciprocal is beyond 2^64. What is between blocks gives at least the reciprocal, which is
  // more.
  std::uint64_t reciprocal = 0;  ///< 2^64 / block_size, and up to 2 more: never exactly
  std::uint64_t limit = 0;       ///< what a block behind the last one of a page would give
  std::uint64_t bias = 0;        ///< what to take off an offset to get multiples of block_size
  std::uint32_t first = 0;       ///< offset of the first block
  std::uint32_t first_page_blocks = 0;
  std::uint32_t page_blocks = 0;
  std::uint32_t capacity = 0;

  static constexpr std::uint32_t none = static_cast<std::uint32_t>(-1);
  /// Users ask for slabs of up to this: offsets in a slab stay below 2^32, as the division needs
  /// it.
  static constexpr std::size_t largest_asked = std::size_t{1} << 30;

  /// Returns the shape for blocks that can hold `wanted`, in slabs of `slab_size`, or of as much
  /// more as it takes to hold one. `slab_size` is a power of two of at least `os_page`.
  static slab_shape of(layout wanted, std::size_t slab_size, std::size_t os_page) noexcept;

  /// Returns the size and alignment of blocks that can hold `wanted`.
  static constexpr layout block_for(layout wanted) {
    const std::size_t alignment =
        wanted.alignment < alignof(void*) ? alignof(void*) : wanted.alignment;
    const std::size_t size = wanted.size < sizeof(void*) ? sizeof(void*) : wanted.size;
    return {align_up(size, alignment), alignment};
  }
  /// Returns the size of slabs for one that a user asked for: a power of two, at least `page`.
  static constexpr std::size_t slab_size_for(std::size_t asked, std::size_t page) {
    if (asked < page) return page;
    return std::bit_ceil(asked < largest_asked ? asked : largest_asked);
  }
  /// Returns a size of slabs, at least `least`, that spend little on their header and on calls of
  /// the upstream. 0: a good least size too.
  static std::size_t good_slab_size(layout wanted, std::size_t least = 0) noexcept;

  /// Returns the number of the block that starts at an offset, or `none`.
  std::uint32_t index_of(std::size_t offset) const noexcept;
  /// Returns the offset of a block.
  std::size_t offset_of(std::uint32_t index) const noexcept;
  /// Returns how many blocks follow each other without a gap from `index` on, itself counted.
  std::uint32_t run_from(std::uint32_t index) const noexcept;

  bool starts_block(std::size_t offset) const { return offset >= first && is_start(offset); }
  /// Whether an offset, or an address, is one of a block, if it lies behind the header at all.
  bool is_start(std::uintptr_t at) const { return ((at & page_mask) - bias) * reciprocal < limit; }

  friend bool operator==(const slab_shape&, const slab_shape&) = default;
};

/// The link in a free block, for whoever only looks. Under a tool free blocks are hidden.
inline const void* look_at_next_free(const void* free_block) {
  const bool is_hidden = poison::is_watched();
  if (is_hidden) poison::show_defined(free_block, sizeof(void*));
  const void* const next = *static_cast<void* const*>(free_block);
  if (is_hidden) poison::hide(free_block, sizeof(void*));
  return next;
}

/// The link in a free block.
ASHLAR_FORCE_INLINE void*& next_free(void* free_block) { return *static_cast<void**>(free_block); }

}  // namespace ashlar
