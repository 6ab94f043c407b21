// SPDX-License-Identifier: MIT
// The whole state of an offset manager as one piece of memory: a header, the bins, the records.
//
//     +--------+------+--------------+----------+----------+-----+
//     | header | bins | head of each | record 0 | record 1 | ... |
//     +--------+------+--------------+----------+----------+-----+
//
// Everything refers to records by their index and to nothing by its address. So the image can be
// copied, written to a file, or lie in memory that processes share at different addresses. Its
// form is that of the machine (byte order), told apart by `magic`.
//
// A record stands for one range, free or not; ranges lie one behind the other without a gap, and
// `left` and `right` are their order. Records that stand for nothing are chained by `right`.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/manager/offset/offset_bins.hpp"

namespace ashlar {

enum class range_kind : std::uint8_t {
  unused,  ///< a record that stands for no range
  free,
  used,
  moving,  ///< used, and a move of it is open
  target,  ///< held for a range that is moving
};

struct offset_record {
  struct bin_links {
    std::uint32_t next, previous;
  };

  std::uint64_t offset;
  std::uint64_t units;
  union {
    bin_links bin;       // free
    std::uint64_t user;  // used or moving: the user's word; target: the index of what is moving
  };
  std::uint32_t left, right;
  std::uint32_t generation;  // goes up when a range ends: handles to it are stale from then on
  range_kind kind;
  std::uint8_t alignment_bits;
  std::uint16_t padding;
};
static_assert(sizeof(offset_record) == 40);

struct offset_image {
  static constexpr std::uint64_t current_magic = 0x3174657366666f61;  // "aoffset1"
  static constexpr std::uint32_t no_record = ~std::uint32_t{0};

  enum class sweep_kind : std::uint8_t { none, slide, hop };

  std::uint64_t magic;
  std::uint64_t first;  // the space is [first, first + units)
  std::uint64_t units;
  std::uint64_t limit;
  std::uint64_t used;       // in used and moving ranges
  std::uint64_t peak_used;  // the most that it ever was
  std::uint64_t held;       // in targets
  std::uint32_t capacity;   // records that there is room for
  std::uint32_t made;       // those at and above were never used
  std::uint32_t unused;     // how many below `made` are unused
  std::uint32_t first_unused;
  std::uint32_t head, tail;  // the first and the last range
  std::uint32_t used_ranges, free_ranges, open_moves;
  // Defragmentation: the record to look at next, and whether anything has changed since it began.
  std::uint32_t cursor;
  sweep_kind sweep;
  bool has_changed;
  std::uint16_t padding;
  std::uint32_t padding_2;
  offset_bins::bin_set filled;
  std::uint32_t bins[offset_bins::bin_count];

  offset_record* records() { return reinterpret_cast<offset_record*>(this + 1); }
  const offset_record* records() const { return reinterpret_cast<const offset_record*>(this + 1); }
};
static_assert(sizeof(offset_image) % alignof(offset_record) == 0);

}  // namespace ashlar
