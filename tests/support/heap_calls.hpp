// SPDX-License-Identifier: MIT
// Short forms of what tests ask heaps again and again.
#pragma once

#include "ashlar/heap/heap.hpp"

namespace ashlar::test {

/// Resizes a block without moving it. Returns false if it would have to move.
inline bool try_resize(heap& h, void* p, std::size_t size) {
  return static_cast<bool>(h.reallocate({p}, default_alignment, {.size = size, .may_move = false}));
}

}  // namespace ashlar::test
