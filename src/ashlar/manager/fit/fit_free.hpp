// SPDX-License-Identifier: MIT
// How fit managers free: in two steps, of which the second belongs to the next call. A part of
// fit_manager.cpp.
//
// Joining a block with its neighbours takes up to three cache misses that wait for each other:
//
//     (1) the head of the block, with the foot before it; at the same time the next head
//     (2) the head and the node of each free neighbour, found by (1)
//     (3) the neighbours of those in the lists of the index, found by (2)
//
// A free waits for (1) only: that tells whether the block is one, and whether its ends are whole.
// It starts to load (2) and leaves the rest to the next call, whichever that is, which begins with
// it (`finish_free`). By then (2) is there; a free that comes at once loads its own (1) meanwhile.
// So at most one block is freed and not yet joined, and whoever looks at the index or at free
// blocks finds what he would if each free joined at once (decision 0023). Only `owns` still knows
// the last block of the region when that was freed last.
#pragma once

#include "ashlar/base/cpu.hpp"
#include "ashlar/manager/fit/fit_manager.hpp"

namespace ashlar {

template <class Index>
void fit_manager<Index>::deallocate(block b, std::size_t alignment) noexcept {
  if (b.data == nullptr) return;
  // The block's own head and the next one come from memory at the same time, and while the last
  // free is being finished.
  prefetch_for_write(fit_block::of(b.data));
  prefetch_for_write(
      at_address(address_of(b.data) + fit_block::size_for(b.size, alignment) - fit_block::header));
  finish_free();
  fit_block* const found = space_.live(b.data);
  if (found == nullptr) [[unlikely]]
    return report(b.data);
  if (found->usable() - b.size > found->slack()) [[unlikely]] {
    return report_fault(fault_kind::size_mismatch, b.data,
                        {.expected = found->usable() - found->slack(), .actual = b.size});
  }
  release(found);
}

template <class Index>
void fit_manager<Index>::deallocate(void* p) noexcept {
  if (p == nullptr) return;
  prefetch_for_write(fit_block::of(p));
  finish_free();
  fit_block* const found = space_.live(p);
  if (found == nullptr) [[unlikely]]
    return report(p);
  release(found);
}

template <class Index>
ASHLAR_COLD void fit_manager<Index>::report(const void* p) const {
  fault_detail detail;
  const fault_kind kind = space_.diagnose(p, detail);
  report_fault(kind, p, detail);
}

// Requires: no free waits to be finished.
template <class Index>
void fit_manager<Index>::release(fit_block* b) {
  if (!space_.are_ends_whole(b)) [[unlikely]]
    return report_fault(fault_kind::corruption, b->payload());
  use_.remove(b->usable());
  // So that a second free is noticed, even when the block has become part of the one before.
  b->head &= ~fit_block::used_bit;
  freed_ = b;
  if (space_.is_watched()) [[unlikely]]
    return finish_free();  // what is freed is hidden at once
  if (!b->is_previous_used()) fetch(b->previous());
  const fit_block* const next = b->next();
  if (!next->is_used()) {
    fetch(next);
    // Its foot, where joining writes that of the whole.
    prefetch_for_write(at_address(address_of(next->next()) - fit_block::header));
  }
}

// Starts to load what joining needs of a free block: its head and its node, which may lie in two
// lines.
template <class Index>
ASHLAR_FORCE_INLINE void fit_manager<Index>::fetch(const fit_block* b) {
  prefetch_for_write(b);
  prefetch_for_write(&b->same);
}

template <class Index>
ASHLAR_NO_INLINE void fit_manager<Index>::join_freed() const {
  fit_block* const b = freed_;
  freed_ = nullptr;
  if ((!b->is_previous_used() && !space_.is_previous_whole(b)) || !space_.is_next_whole(b))
      [[unlikely]] {
    // As if it had not been freed.
    b->head |= fit_block::used_bit;
    use_.add(b->usable());
    return report_fault(fault_kind::corruption, b->payload());
  }
  join_and_insert(b, b->size());
}

template <class Index>
ASHLAR_FORCE_INLINE void fit_manager<Index>::join_and_insert(fit_block* b, std::size_t size) const {
  fit_block* const next = b->after(size);
  if (!b->is_previous_used()) {
    b = b->previous();
    index_.remove(b);
    size += b->size();
  }
  if (next == space_.top()) return space_.set_top(b);
  if (!next->is_used()) {
    index_.remove(next);
    size += next->size();
  } else {
    next->head &= ~fit_block::previous_used_bit;
  }
  insert_free(b, size);
}

}  // namespace ashlar
