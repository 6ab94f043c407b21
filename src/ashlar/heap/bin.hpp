// SPDX-License-Identifier: MIT
// The stacks of free blocks that malloc pops from and free pushes onto, one for each size class.
//
// Whoever serves a thread points it to a set of bins. Usually those are a local heap's own; a
// thread whose allocations are all to be seen has a set that is always empty. One whose allocations
// are sampled looks at its local heap's from a few bytes further on: there the place of each bin's
// top holds its base, so that every bin looks empty, and what malloc does next counts
// (sampling_bins.hpp).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "ashlar/base/relaxed.hpp"
#include "ashlar/heap/size_class.hpp"
#include "ashlar/structure/page_map.hpp"

namespace ashlar {

/// What bins that were never set up point to: popping it yields null.
inline constinit void* null_slot[1] = {nullptr};

/// The order of the fields is relied on: see `bin_set::sampled_distance`.
struct bin {
  std::uint16_t parked = 0;             // blocks of a parked bin, which shows itself empty and full
  std::uint16_t capacity = 0;           // slots behind base
  std::uint8_t mostly_foreign : 1 = 0;  // the last flush brought home blocks of other threads
  std::uint8_t refilled : 1 = 0;        // since the last flush: is the bin in demand?
  std::uint8_t idle : 6 = 0;            // how often in a row the bin was found parked
  std::uint8_t reparked = 0;            // how often since all bins were parked
  std::uint16_t pops_left = 0;          // of a sampled thread: what pop_counted may still serve
  void** top = null_slot;               // the last block pushed; base when empty
  void** base = null_slot;              // base[0] is always null
  void** end = null_slot;               // the last slot: top == end when full

  /// Blocks in the bin. Another thread may ask while the owner pops and pushes: then it gets a
  /// count that was or will be right, but never one that leads beyond `capacity`.
  std::uint32_t count() const {
    const std::ptrdiff_t n = load_relaxed(top) - load_relaxed(base) + load_relaxed(parked);
    return n >= 0 && n <= load_relaxed(capacity) ? static_cast<std::uint32_t>(n) : 0;
  }

  /// Takes the last block pushed; null if the bin is empty or parked.
  void* pop() {
    void* const p = *top;
    if (p != nullptr) store_relaxed(top, top - 1);
    return p;
  }

  /// Returns false, having done nothing, if the bin is full or parked.
  bool push(void* p) {
    if (top == end) return false;
    store_relaxed(top[1], p);
    store_relaxed(top, top + 1);
    return true;
  }
};
static_assert(sizeof(bin) == 32);

/// memmove towards lower addresses, but for readers of statistics. Slots of a bin only.
inline void move_slots(void** to, void* const* from, std::uint32_t count) {
  for (std::uint32_t i = 0; i < count; ++i) store_relaxed(to[i], from[i]);
}

enum class local_state : std::uint8_t {
  active,    // bound to a thread
  idle,      // its thread has ended; waits to be adopted
  shared,    // never bound: serves threads that cannot have one, block by block, under the lock
  sampling,  // no local heap, but one looked at so that its pops are counted
};

/// What the fast paths know of whoever serves a thread. The bins lie behind, at known offsets.
struct bin_set {
  /// From a local heap to what a sampled thread takes for one, in bytes: as far as from a bin's top
  /// to its base. Exclusive-or with it is subtraction for the offset of any bin.
  static constexpr std::uint32_t sampled_distance = 8;

  std::uint32_t tag = 0;  // number of the heap << page_map::number_shift
  local_state state = local_state::active;
};

/// A set, and its bins.
struct bin_table : bin_set {
  bin_set sampled = {.state = local_state::active};  // the same for a sampled thread
  std::uint64_t zero[6] = {};                        // always: what lies in front of the first bin
  alignas(64) bin bins[class_count] = {};
};

/// Where the bin of a class lies inside a set: what routes hold. The place of its top.
constexpr std::size_t bin_offset_of(size_class c) {
  return sizeof(bin_set) * 2 + sizeof(bin_table::zero) + c * sizeof(bin) + offsetof(bin, top);
}

static_assert(std::is_standard_layout_v<bin>);
static_assert(bin_offset_of(0) == 64 + offsetof(bin, top));
static_assert(sizeof(bin_table) == align_up(64 + class_count * sizeof(bin), 64));
static_assert(std::endian::native == std::endian::little);
static_assert(sizeof(bin_set) == bin_set::sampled_distance);
static_assert(offsetof(bin, base) - offsetof(bin, top) == bin_set::sampled_distance);
static_assert((bin_offset_of(0) & bin_set::sampled_distance) != 0);
static_assert(sizeof(bin) % (2 * bin_set::sampled_distance) == 0);
static_assert(bin_offset_of(class_count) <= page_map::misfit_limit);
// Whoever is not sampled finds the upper bits of a pointer where the others have `pops_left`: zero.
static_assert(offsetof(bin, pops_left) + sizeof(bin::pops_left) == sizeof(void*));
static_assert(offsetof(bin, end) + sizeof(bin::end) == sizeof(bin));
static_assert(page_map::address_bits <= 64 - 8 * sizeof(bin::pops_left));

}  // namespace ashlar
