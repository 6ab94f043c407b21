// SPDX-License-Identifier: MIT
// What is said to an offset manager and what it answers: handles, ranges, requests, moves, figures.
//
// Offsets and sizes are in units, which are what the user says they are, in 64 bits: the space may
// be larger than what this processor can address.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "ashlar/base/result.hpp"
#include "ashlar/manager/memory.hpp"
#include "ashlar/manager/offset/offset_image.hpp"

namespace ashlar {

/// Names a range for as long as it lives, wherever it is moved. The default names none.
struct offset_handle {
  std::uint32_t index = 0;
  std::uint32_t generation = 0;

  constexpr explicit operator bool() const { return generation != 0; }
  friend constexpr bool operator==(offset_handle, offset_handle) = default;
};

/// A used range: `[offset, offset + units)`. The handle is empty when there is none.
struct offset_range {
  offset_handle handle;
  std::uint64_t offset = 0;
  std::uint64_t units = 0;

  constexpr explicit operator bool() const { return static_cast<bool>(handle); }
};

struct offset_layout {
  std::uint64_t units = 0;      ///< 0 is served as 1
  std::uint64_t alignment = 1;  ///< a power of two, in units: the offset is a multiple of it
};

struct [[nodiscard]] offset_allocation {
  offset_range range;
  status reason = status::success;
  /// With `not_enough_memory`: the most units that would have been served at that alignment.
  std::uint64_t would_fit = 0;

  constexpr explicit operator bool() const { return static_cast<bool>(range); }
};

struct offset_options {
  static constexpr std::uint64_t unlimited = ~std::uint64_t{0};

  std::uint64_t units = 0;          ///< size of the space; cut to 2^63 - 1 - first
  std::uint64_t first = 0;          ///< where the space begins
  std::uint64_t limit = unlimited;  ///< budget: the most units that may be used at a time
  memory metadata = {};             ///< where the records go; empty: the current manager
  std::span<std::byte> block = {};  ///< records go here and nowhere else: see `metadata_size`
  /// How many ranges may be looked at before a request is refused. For a bounded worst case; what
  /// would fit may then be missed.
  std::uint32_t max_scanned = ~std::uint32_t{0};
};

/// Units: those of the space.
struct offset_report {
  std::uint64_t units = 0;
  std::uint64_t used = 0;
  std::uint64_t peak_used = 0;
  std::uint64_t held_by_moves = 0;  ///< targets of moves that are open
  std::uint64_t free = 0;
  std::uint64_t largest_free = 0;
  std::uint64_t limit = offset_options::unlimited;
  std::uint32_t used_ranges = 0;
  std::uint32_t free_ranges = 0;
  std::size_t metadata_bytes = 0;

  /// 0: all free units are in one range; near 1: they lie scattered.
  constexpr double fragmentation() const {
    if (free == 0) return 0;
    return 1 - static_cast<double>(largest_free) / static_cast<double>(free);
  }
};

/// One bin with free ranges.
struct offset_bin {
  std::uint64_t smallest = 0;  ///< sizes from this one
  std::uint64_t largest = 0;   ///< to this one
  std::uint32_t ranges = 0;
  std::uint64_t units = 0;
};

/// A range as seen by a walk. Free ranges have no handle.
struct walked_range {
  offset_range range;
  range_kind kind = range_kind::free;
  std::uint64_t user = 0;
};

/// A move that is proposed: the space must be copied from `[from, from + units)` to `to`, which is
/// lower.
struct offset_move {
  offset_handle handle;
  std::uint64_t user = 0;
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  std::uint64_t units = 0;
  offset_handle target;  ///< for `end_move`
};

enum class move_answer : std::uint8_t {
  copied,     ///< the contents are at the new place: the range is there from now on
  ignored,    ///< not now: the range stays where it is
  destroyed,  ///< nobody needs it any more: the range ends
};

struct defragment_limits {
  std::uint32_t max_moves = 16;                         ///< proposals in one pass
  std::uint64_t max_units = offset_options::unlimited;  ///< to copy in one pass
  bool may_overlap = false;  ///< old and new place may overlap, as in memmove
};

struct defragment_outcome {
  std::uint32_t moves = 0;  ///< proposals that were made
  std::uint64_t units = 0;  ///< in them
  bool done = false;        ///< another pass would find nothing
};

}  // namespace ashlar
