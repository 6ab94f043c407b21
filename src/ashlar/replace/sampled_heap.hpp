// SPDX-License-Identifier: MIT
// How malloc and new serve a thread whose allocations are sampled.
//
// The thread pops from the sampling bins in front of its local heap, which count for it. One
// allocation in some thousands is found to be due: it goes to the watched heap and gets a record,
// as every block does at the full level. All others are the process heap's, and cost what they
// always cost, but for a batch of pointers that is copied now and then.
#pragma once

#include "ashlar/replace/watched_heap.hpp"

namespace ashlar::replace {

/// Whether the calling thread's allocations are sampled.
ASHLAR_FORCE_INLINE bool is_sampling() noexcept {
  return observe::process_tracker().samples_this_thread();
}

/// Serves a small block if a batch of them is at hand, or returns null: what nearly every miss of a
/// sampled thread needs.
ASHLAR_FORCE_INLINE void* pop_sampling(std::size_t size) noexcept {
  bin_set* const h = current_local;
  if (h->state != local_state::sampling || size > small_limit || !is_sampling()) return nullptr;
  return static_cast<sampling_bins*>(h)->pop_next(class_of(size));
}

/// Serves what the bins did not: a block of the process heap, or a sampled one.
allocation sampled_allocate(layout request, bool zero, const observe::origin& made) noexcept;

/// Resizes any block. The bytes that it grows by are sampled as if they had been allocated; a block
/// that shrinks stays sampled with the chance that its new size has of its old one's.
allocation sampled_reallocate(void* p, std::size_t size, const observe::origin& made) noexcept;

}  // namespace ashlar::replace
