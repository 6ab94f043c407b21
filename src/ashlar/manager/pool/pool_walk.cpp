// SPDX-License-Identifier: MIT
// What looks at all blocks of a pool: the walk, and the check of the invariants.
//
// A slab knows only its free blocks, in the order of their return. So blocks are gone through in
// windows of a few thousand, with one bit each on the stack: nothing is allocated, whatever the
// size of the slab.
#include "ashlar/hardening/fault.hpp"
#include "ashlar/manager/pool/block_window.hpp"
#include "ashlar/manager/pool/pool_core.hpp"

namespace ashlar {

namespace {

using window = detail::block_window;

const void* next_of(const void* free_block) { return look_at_next_free(free_block); }

}  // namespace

template <class F>
bool pool_core::for_each_slab(F f) const {
  if (has_current() && !f(current())) return false;
  for (const slab_list* const list : {&full_, &partial_, &spare_})
    for (const pool_slab* slab = list->front(); slab != nullptr; slab = slab->next)
      if (!f(*slab)) return false;
  return true;
}

bool pool_core::walk(block_visitor visitor) const noexcept {
  return for_each_slab([&](const pool_slab& slab) { return walk_slab(slab, visitor); });
}

bool pool_core::walk_slab(const pool_slab& slab, block_visitor visitor) const noexcept {
  const std::uint32_t carved = carved_in(slab);
  std::byte* const base = at_address(address_of(&slab));
  for (std::uint32_t first = 0; first < carved; first += window::size) {
    window free_blocks(first);
    const void* b = free_in(slab);
    for (std::uint32_t seen = 0; b != nullptr && seen < carved; ++seen, b = next_of(b)) {
      const std::uint32_t index = shape_.index_of(address_of(b) - address_of(&slab));
      if (free_blocks.covers(index)) free_blocks.set(index);
    }
    for (std::uint32_t i = first; i < carved && free_blocks.covers(i); ++i) {
      if (free_blocks.test(i)) continue;
      if (!visitor({base + shape_.offset_of(i), shape_.block_size})) return false;
    }
  }
  return true;
}

// Counts a free list, whose blocks must start where blocks do, and must have been handed out.
bool pool_core::is_list_well(const pool_slab& slab, std::uint32_t& count) const noexcept {
  const std::uint32_t carved = carved_in(slab);
  for (const void* b = free_in(slab); b != nullptr; b = next_of(b)) {
    const std::uint32_t index =
        slab_of(b) == &slab ? shape_.index_of(address_of(b) - address_of(&slab)) : slab_shape::none;
    if (index >= carved) {
      report_fault(fault_kind::corruption, b);
      return false;
    }
    if (++count > carved) {  // a ring
      report_fault(fault_kind::double_free, b);
      return false;
    }
  }
  return true;
}

bool pool_core::is_slab_well(const pool_slab& slab, std::size_t& live) const noexcept {
  std::uint32_t count = 0;
  if (!is_list_well(slab, count)) return false;
  const std::uint32_t carved = carved_in(slab);
  const bool adds_up = is_current(slab) || slab.live == carved - count;
  if (slab.owner != this || carved > shape_.capacity || !adds_up) {
    report_fault(fault_kind::corruption, &slab);
    return false;
  }
  live += carved - count;
  return true;
}

bool pool_core::is_well() const noexcept {
  std::size_t live = 0;
  std::size_t slabs = 0;
  const bool is_each_well = for_each_slab([&](const pool_slab& slab) {
    ++slabs;
    return is_slab_well(slab, live);
  });
  if (!is_each_well) return false;
  if (slabs * shape_.slab_size == slab_bytes_ && live == live_blocks()) return true;
  report_fault(fault_kind::corruption, this);
  return false;
}

}  // namespace ashlar
