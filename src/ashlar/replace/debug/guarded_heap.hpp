// SPDX-License-Identifier: MIT
// malloc and new at the debug level: each block of the watched heap has guards around it, and rests
// in a quarantine when it is freed.
//
//     a block of the heap     | (header) | front guard | the program's bytes | back guard ...
//     `protect`: a span       | no access   | (guard) program's bytes (guard), in pages | no access
//
// The guard in front keeps the alignment that was asked for. Where the program's bytes lie follows
// from their size and alignment, which the record beside the slab's header holds: nothing that is
// needed to find or to judge a block lies where an overrun reaches it.
// Checked when a block is freed or resized, when it leaves the quarantine, when the program ends,
// and on demand.
//
// Once begun, all watched blocks are guarded until the heap is given back.
// Threads: thread-safe.
#pragma once

#include "ashlar/replace/debug/guard.hpp"
#include "ashlar/replace/debug/quarantine.hpp"
#include "ashlar/replace/watched_heap.hpp"

namespace ashlar::replace {

/// Whether watched blocks are guarded.
extern constinit bool guarding;

/// What guarding does; constant once it has begun.
extern constinit debug_settings guard_settings;

/// Begins to guard. Requires: no watched block has been made yet.
void begin_guarding(const debug_settings& settings) noexcept;
/// Forgets all quarantined blocks. Requires: the watched heap is gone, or will be.
void end_guarding() noexcept;
/// Freed blocks that are not in use again yet.
extern constinit quarantine freed_blocks;

/// Serves a small block from a bin of the watched heap's `h`, or returns null.
void* guarded_pop(local_heap& h, const observe::origin& made) noexcept;

/// As the functions of watched_heap.hpp. The first `kept` bytes are about to be written to.
allocation guarded_allocate(layout request, bool zero, const observe::origin& made,
                            std::size_t kept = 0) noexcept;
/// Takes any pointer that a program may free.
void guarded_deallocate(void* p, const freeing& how) noexcept;
/// Resizes a watched block. Moves it, unless it is a large one.
allocation guarded_reallocate(void* p, std::size_t size, const observe::origin& made) noexcept;

/// Bytes in front of what the program has of a block that is not on pages of its own. What is
/// aligned to slices then lies in another slice than the heap's block begins in: `mark_slice`.
inline std::size_t front_of(std::size_t alignment) noexcept {
  const std::size_t front = guard_settings.front;
  if (front == 0 || alignment > most_aligned_front) return 0;
  return align_up(front, alignment);
}

/// Before a block goes back to the heap: has the page map forget where its bytes began, if that is
/// another slice than its first.
void unmark_slice(const std::byte* start, const std::byte* data) noexcept;

/// Gives all quarantined blocks back to the heap. Returns whether there were any.
bool empty_quarantine() noexcept;

/// Reports blocks that became older than `most_frames` with frame `number`, which has just begun.
void report_old_blocks(std::uint32_t number) noexcept;
/// Held meanwhile, and over forks.
lock& old_blocks_lock() noexcept;

/// Looks at all guards and at all quarantined blocks, and reports what was written to, of each up
/// to 64 blocks at a time. Returns how many were reported.
std::size_t check_all_blocks() noexcept;

/// Counts towards `check_every`, and looks at everything if it is time.
void count_towards_check() noexcept;
/// Looks at everything if it is time: `check_every`.
inline void check_now_and_then() noexcept {
  if (guard_settings.check_every != 0) [[unlikely]]
    count_towards_check();
}
/// Looks at a quarantined block, and reports once what was written to it. Returns whether it was.
bool check_dead(dead_block& dead) noexcept;

/// A block of the guarded heap as it lies there.
struct guarded_block {
  slab* header = nullptr;
  std::uint32_t index = 0;
  std::byte* start = nullptr;  // of the heap's block
  std::byte* data = nullptr;   // what the program has; null if it is not live
  observe::block_facts facts = {};

  observe::block_record& record() const { return header->record_at(index); }
  /// Whether it lies on pages of its own, between others that cannot be accessed.
  bool is_paged() const {
    return guard_settings.protect != page_protection::off && !header->is_slab();
  }
  byte_range front_guard() const noexcept;
  byte_range back_guard() const noexcept;
  byte_range bytes() const { return {data, data + facts.size}; }
};

/// Finds the heap's block that `p` lies in, live or not. False if it lies in none.
bool locate(const void* p, guarded_block& found) noexcept;
/// The same for an address that may lie far behind the first slice of a block.
bool locate_around(const void* p, guarded_block& found) noexcept;

}  // namespace ashlar::replace
