// SPDX-License-Identifier: MIT
// An arena that lies at the start of its own memory: one pointer is all there is to keep.
//
// For the C interface and for arenas that are made on demand. Over a reservation it lies in the
// first page, over a buffer at its start, over chunks at the start of the first one.
// Threads: as arena.
#pragma once

#include "ashlar/manager/arena/arena.hpp"

namespace ashlar {

class ASHLAR_EXPORT hosted_arena final : public arena {
 public:
  /// Returns null if the memory for it cannot be had. `reserve` is what can be pushed; the arena
  /// comes on top.
  static hosted_arena* create(const arena_options& options) noexcept;
  /// Ends an arena, null or made by `create`, and gives its memory back.
  static void destroy(hosted_arena* a) noexcept;

  hosted_arena* next = nullptr;  ///< for whoever keeps several in a list

 private:
  hosted_arena(const arena_options& options, os::range range, std::size_t committed) noexcept;
  hosted_arena(const arena_options& options, block first, memory source) noexcept;

  static hosted_arena* create_reserved(const arena_options& options) noexcept;
  static hosted_arena* create_in(const arena_options& options, block memory_of_it,
                                 memory source) noexcept;
  static hosted_arena* create_chained(const arena_options& options) noexcept;

  os::range range_;    // where it lies, one of the two
  block first_block_;  // empty if the memory is the user's
  memory source_;      // of `first_block_`
};

}  // namespace ashlar
