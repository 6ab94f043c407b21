// SPDX-License-Identifier: MIT
// How malloc and new serve a thread that the tracker watches.
//
// Watched blocks live in a heap of their own, whose slabs hold a record for each block and have no
// routes: so the fast path of free never takes them, and never asks. The fast path of malloc misses
// because a watched thread's `current_local` is the one that is always empty. Off, all of this
// costs no instruction; switching on and off needs no more than that one pointer. Of sampled blocks
// the small ones live there too; larger ones never take the fast path of free, and live in the
// process heap (sampled_heap.hpp).
#pragma once

#include "ashlar/observe/tracker.hpp"
#include "ashlar/replace/process_heap.hpp"

namespace ashlar::replace {

/// The heap of watched blocks. Never destroyed, as the process heap.
extern constinit heap& watched_heap;

/// Begins to track as `settings` say, this thread from now on, the others from their next slow
/// operation on. Errors: false if there is no memory.
bool start_tracking(const observe::track_settings& settings) noexcept;

/// Keeps the headers of all watched blocks where they are, in whichever heap. Threads that are not
/// tracked wait meanwhile if they need another slab, or a large block.
class watched_blocks_lock {
 public:
  watched_blocks_lock() noexcept;
  ~watched_blocks_lock();
  watched_blocks_lock(const watched_blocks_lock&) = delete;
  watched_blocks_lock& operator=(const watched_blocks_lock&) = delete;

  /// Visits each live block with its record.
  void walk(record_visitor visitor) noexcept;
};

/// What `tracker::walk` is.
void walk_watched(void* context, void (*visit)(void* context, const void* data,
                                               const observe::block_facts& facts)) noexcept;

/// Where the program's bytes lie in a live watched block, given where the heap's block begins.
std::byte* watched_data(std::byte* start, const observe::block_facts& facts) noexcept;

/// Gives all watched blocks back, and what the tracker holds. For release_everything() only.
void release_watched_heap() noexcept;

/// Whether the calling thread's allocations are to be tracked.
ASHLAR_FORCE_INLINE bool is_watched() noexcept {
  return observe::process_tracker().watches_this_thread();
}

/// Makes `current_local` what the tracker asks for. Called on slow paths.
void follow_tracker() noexcept;

/// The local heap that bins serve a thread for. Requires: not the ones that are always empty.
inline local_heap* local_behind(bin_set* bins) noexcept {
  return static_cast<local_heap*>(bins->state == local_state::sampling ? &counting(*bins) : bins);
}

/// The local heap of the watched heap that this thread is bound to; null if it can have none.
local_heap* watched_local() noexcept;

/// Serves a watched thread a small block that is at hand, or returns null: what nearly every malloc
/// of such a thread needs, without the generality that costs as much as the record.
void* watched_pop(const observe::origin& made) noexcept;

/// As the functions of process_heap.hpp, with a record. `made.size` is the size asked for; `s` the
/// header of whatever `p` points to.
allocation watched_allocate(layout request, bool zero, const observe::origin& made) noexcept;
void watched_deallocate(slab& s, void* p) noexcept;
/// Resizes any block, watched or not. What has to move becomes watched if the thread is; what is
/// resized in place stays what it was.
allocation watched_reallocate(void* p, std::size_t size, const observe::origin& made) noexcept;

}  // namespace ashlar::replace
