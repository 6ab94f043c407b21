// SPDX-License-Identifier: MIT
// The header of a slab or of a large block, kept outside of the memory that it describes.
//
// A slab is a span cut into equal blocks. Which of them are free stands in a bitmap behind the
// header: nothing is ever written into a free block, so a program that writes after free cannot
// harm the heap, freeing a block that is cold in the cache does not load it, and freshly mapped
// pages stay untouched until the program uses them. Blocks are handed out lowest address first,
// which keeps the touched pages dense.
//
// Blocks in a thread's bins count as allocated here. So statistics, walking and trimming by other
// threads need nothing but the lock of the owner.
//
// The slabs of a watched heap have no routes, so that every free takes the slow path, and a record
// for each block, by its index. Headers of large blocks all have one, used or not. Where a tool is
// told of each block, its place is taken by the size that was asked for (heap_poison.cpp).
//
// Invariants: (1) free_count == number of set bits; (2) bit w of `summary` is set if and only if
// word w is not zero; (3) a slab is in its owner's partial list (`linked`) only if free_count > 0;
// (4) every slice of a slab has this header in the page map.
// Threads: everything but `owner` and what never changes is guarded by the lock of the owner.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "ashlar/heap/size_class.hpp"
#include "ashlar/observe/block_record.hpp"

namespace ashlar {

class heap;
struct local_heap;
struct slice_record;

enum class slab_kind : std::uint8_t {
  small,   // blocks of at most 32 KiB, one slice
  medium,  // blocks of at most 256 KiB, several slices
  large,   // one block, a span of the store
  direct,  // one block, a mapping of its own
};

struct slab {
  std::atomic<local_heap*> owner;  // null for large and direct
  heap* home;
  std::byte* start;
  slab* next;
  slab* prev;
  std::uint32_t block_size;
  std::uint32_t magic;
  std::uint16_t capacity;
  std::uint8_t records_begin;  // words from the header's end to the records; of large blocks 0
  bool told;                   // a tool knows of each block; slabs have a size for each instead
  std::uint32_t free_count;
  std::uint32_t slices;
  union {
    std::uint8_t class_index;
    std::uint8_t doublings;  // large, direct: of the mean between samples that its bytes went by
  };
  bool watched;  // each block has a record behind the words, that is in use
  slab_kind kind;
  bool linked;
  // --- second line; large and direct blocks use `requested`, slabs the rest
  union {
    std::uint64_t summary;
    std::size_t requested;  // bytes asked for by the caller
  };
  union {
    slice_record* record;       // of the first slice
    std::size_t reserved_size;  // direct: bytes of the mapping
  };

  static constexpr std::size_t header_size = 80;

  /// The bits of the free blocks, directly behind the header.
  std::uint64_t* words() { return reinterpret_cast<std::uint64_t*>(this + 1); }
  const std::uint64_t* words() const { return reinterpret_cast<const std::uint64_t*>(this + 1); }

  static std::size_t words_for(std::uint32_t capacity) { return (capacity + 63) / 64; }

  /// Bytes of a header for `capacity` blocks in a slab; or of 0, for a large block.
  static std::size_t bytes_for(std::uint32_t capacity, bool watched, bool told = false) {
    const std::size_t records = capacity == 0 ? 1 : watched ? capacity : 0;
    const std::size_t sizes = told ? capacity : 0;
    return header_size + words_for(capacity) * sizeof(std::uint64_t) +
           records * sizeof(observe::block_record) + sizes * sizeof(std::uint32_t);
  }
  /// Bytes of this header.
  std::size_t bytes() const { return bytes_for(is_slab() ? capacity : 0, watched, told); }

  /// The record of a block. Requires: `watched`; `index` is 0 for a large block.
  observe::block_record& record_at(std::uint32_t index) noexcept {
    return reinterpret_cast<observe::block_record*>(words() + records_begin)[index];
  }

  // --- where a tool is told of each block (heap_poison.cpp). Requires: `told` ---

  /// Returns how many bytes of the live block at `p` were asked for: what its user may touch.
  std::size_t asked_for(const void* p) const noexcept;
  /// Shows the first `size` bytes of the free block at `p`, whose place is larger.
  void lend(void* p, std::size_t size) noexcept;
  /// Hides a live block.
  void take_back(void* p) noexcept;
  /// Resizes a live block within its place. Returns false, and changes nothing, if there is no room
  /// for that, or if it may move and would use less than half of its place.
  bool resize_lent(void* p, std::size_t size, bool may_move) noexcept;
  /// The bytes that one block has to itself.
  std::size_t place_size() const noexcept;

  bool is_slab() const { return kind == slab_kind::small || kind == slab_kind::medium; }

  /// Marks all blocks free.
  void fill() noexcept;

  /// Takes up to `wanted` free blocks, lowest address first, and writes them downwards from
  /// `slots[0]`: `slots[0]` is the lowest. Returns how many.
  std::uint32_t take(void** slots, std::uint32_t wanted) noexcept;

  enum class put_result : std::uint8_t { done, already_free, not_a_block };

  /// Marks the block at `p` free.
  put_result put(const void* p) noexcept {
    if (!contains(p)) [[unlikely]]
      return put_result::not_a_block;  // an address beyond the map's bits
    const std::uint32_t index = index_of(p);
    if (index >= capacity || block_at(index) != p) [[unlikely]]
      return put_result::not_a_block;
    std::uint64_t& word = words()[index / 64];
    const std::uint64_t bit = std::uint64_t{1} << (index % 64);
    if ((word & bit) != 0) [[unlikely]]
      return put_result::already_free;
    word |= bit;
    summary |= std::uint64_t{1} << (index / 64);
    ++free_count;
    return put_result::done;
  }

  bool contains(const void* p) const noexcept {
    return static_cast<std::size_t>(static_cast<const std::byte*>(p) - start) < slices * slice_size;
  }

  /// Returns the index of the block that `p` lies in; `capacity` or more in the tail.
  std::uint32_t index_of(const void* p) const noexcept {
    const auto offset = static_cast<std::uint32_t>(static_cast<const std::byte*>(p) - start);
    if (kind == slab_kind::small)
      return static_cast<std::uint32_t>((std::uint64_t{offset} * magic) >> 32);
    return offset / block_size;
  }

  std::byte* block_at(std::uint32_t index) const noexcept {
    return start + std::size_t{index} * block_size;
  }

  bool is_free(std::uint32_t index) const noexcept {
    return (words()[index / 64] >> (index % 64)) & 1;
  }

  /// Panics if an invariant is broken. For tests and debug builds.
  void check_invariants() const noexcept;

 private:
  std::uint32_t& size_at(std::uint32_t index) const noexcept {
    return reinterpret_cast<std::uint32_t*>(const_cast<std::uint64_t*>(words()) +
                                            records_begin)[index];
  }
};

static_assert(offsetof(slab, summary) == 64, "the fields that every flush touches share a line");
static_assert(sizeof(slab) == slab::header_size);

}  // namespace ashlar
