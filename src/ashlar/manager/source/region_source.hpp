// SPDX-License-Identifier: MIT
// Where a heap takes its regions from: the OS, one block of the user's, or a user's interface.
//
// A table of functions, so that C programs can fill it in too. Regions are multiples of 64 KiB, at
// addresses that are multiples of 64 KiB, and are used exclusively by the heap until released.
// Threads: `acquire`, `release` and `commit` are called under a lock of the heap; `discard`,
// `populate` and `move_pages` are not, but never for the same part at a time. None may call into
// that heap.
#pragma once

#include <cstddef>

#include "ashlar/base/macros.hpp"
#include "ashlar/os/address_space.hpp"

namespace ashlar {

struct region_source {
  void* context = nullptr;

  /// Returns a region of at least `size` bytes, or an empty range. Required.
  os::range (*acquire)(void* context, std::size_t size) = nullptr;
  /// Takes back a region, of which the first `committed` bytes were committed. Null: never called.
  void (*release)(void* context, os::range region, std::size_t committed) = nullptr;
  /// Makes part of a region accessible. Null: regions are accessible as they come.
  bool (*commit)(void* context, os::range part) = nullptr;
  /// Gives the pages of a part back; it reads as zero when touched again. Null: pages stay. Used
  /// only by sources whose memory is `zeroed`.
  bool (*discard)(void* context, os::range part) = nullptr;
  /// Brings the pages of a part in at once, for it will be used soon. A hint. Null: not done.
  void (*populate)(void* context, os::range part) = nullptr;
  /// Moves pages between parts without copying. Null: bytes are copied.
  bool (*move_pages)(void* context, os::range from, os::range to) = nullptr;
  /// Fresh memory (never used, or discarded) reads as zero.
  bool zeroed = false;
  /// Blocks too large for regions may get mappings of their own from the OS.
  bool direct_blocks = false;
};

/// Regions reserved from the OS and committed step by step; pages go back to the OS.
ASHLAR_EXPORT region_source os_region_source() noexcept;

/// One block of memory that belongs to the caller and outlives the heap. The part of it between
/// multiples of 64 KiB is used; it never grows and nothing of it goes back to the OS.
struct user_block {
  os::range memory;
  bool zeroed = false;  ///< the caller knows that it is all zero
  bool taken = false;
};

/// Returns a source over `block`, which must outlive it.
ASHLAR_EXPORT region_source user_block_source(user_block& block) noexcept;

}  // namespace ashlar
