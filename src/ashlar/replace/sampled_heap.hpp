// SPDX-License-Identifier: MIT
// How malloc and new serve a thread whose allocations are sampled.
//
// To malloc the bins of the thread's local heap look empty, so it counts each pop from them
// (heap/sampling_bins.hpp). One allocation in some thousands is found to be due and gets a record,
// as every block does at the full level. All others cost what they always cost, but for the
// counting.
#pragma once

#include "ashlar/replace/watched_heap.hpp"

namespace ashlar::replace {

/// Whether the calling thread's allocations are sampled.
ASHLAR_FORCE_INLINE bool is_sampling() noexcept {
  return observe::process_tracker().samples_this_thread();
}

/// Whether a live block is a sample, of whatever level there is now.
bool is_sample(const void* p) noexcept;

/// Has the calling thread draw other points than its parent: for the child of a fork. Its local
/// heap's are the heap's matter.
void draw_other_points() noexcept;

/// Counts an allocation of a sampled thread that is known to be no sample, as nearly every one is,
/// and returns its class: `local_behind(current_local)` is to serve it. Otherwise `class_count`,
/// and nothing is counted: ask `sampled_allocate`, or whoever serves a thread that is not sampled.
ASHLAR_FORCE_INLINE size_class count_unsampled(layout request) noexcept {
  bin_set* const now = current_local;
  if (now->state != local_state::sampling || !is_sampling() || !request.is_valid()) [[likely]]
    return class_count;
  const size_class c = process_heap.class_for(request);
  return c != class_count && counting(*now).passes(c) ? c : class_count;
}

/// Serves what the bins did not: a block of the process heap, or a sampled one.
allocation sampled_allocate(layout request, bool zero, const observe::origin& made) noexcept;

/// Resizes a sample, or any block of a thread whose allocations are sampled. One of a class that
/// leaves it for a larger one moves, and is sampled as if it were allocated anew; of a large one
/// the bytes that it grows by are. A sample that shrinks stays one with the chance that its new
/// size has of its old one's.
allocation sampled_reallocate(void* p, std::size_t size, const observe::origin& made) noexcept;

}  // namespace ashlar::replace
