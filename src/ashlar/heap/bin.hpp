// SPDX-License-Identifier: MIT
// The stacks of free blocks that malloc pops from and free pushes onto, one for each size class.
//
// Whoever serves a thread points it to a set of bins. Usually those are a local heap's own; a
// thread whose allocations are all to be seen has a set that is always empty; one whose allocations
// are sampled has an empty one too, that counts what is popped from the local heap's behind it
// (sampling_bins.hpp).
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/base/relaxed.hpp"
#include "ashlar/heap/size_class.hpp"
#include "ashlar/structure/page_map.hpp"

namespace ashlar {

/// What bins that were never set up point to: popping it yields null.
inline constinit void* null_slot[1] = {nullptr};

struct bin {
  void** top = null_slot;               // the last block pushed; base when empty
  void** end = null_slot;               // the last slot: top == end when full
  void** base = null_slot;              // base[0] is always null
  std::uint16_t pops_left = 0;          // sampling bins: what pop_counted may still serve
  std::uint16_t parked = 0;             // blocks of a parked bin, which shows itself empty and full
  std::uint16_t capacity = 0;           // slots behind base
  std::uint8_t mostly_foreign : 1 = 0;  // the last flush brought home blocks of other threads
  std::uint8_t refilled : 1 = 0;        // since the last flush: is the bin in demand?
  std::uint8_t idle : 6 = 0;            // how often in a row the bin was found parked
  std::uint8_t reparked = 0;            // how often since all bins were parked

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
  sampling,  // no local heap, but what counts in front of one
};

/// What the fast paths know of whoever serves a thread.
struct bin_set {
  static constexpr std::size_t bins_offset = 64;
  /// From sampling bins to the local heap behind them (sampling_bins.hpp), in bytes. Exclusive-or
  /// with it is addition for the offset of any bin that has routes. And the two bins of a class
  /// differ in their lower 12 bits, or processors take the load of the one for one that waits for
  /// the store to the other: with 4096 a malloc and free cost 11 ns instead of 7.
  static constexpr std::uint32_t front_distance = 4096 + 2048;

  std::uint32_t tag = 0;  // number of the heap << page_map::number_shift
  local_state state = local_state::active;

  alignas(64) bin bins[class_count] = {};
};

/// Where the bin of a class lies inside a set: what routes hold.
constexpr std::size_t bin_offset_of(size_class c) { return bin_set::bins_offset + c * sizeof(bin); }

static_assert(offsetof(bin_set, bins) == bin_set::bins_offset);
static_assert(bin_set::bins_offset + class_count * sizeof(bin) <= page_map::misfit_limit);
static_assert(bin_set::front_distance % 4096 != 0 && bin_set::front_distance % 2048 == 0);
static_assert(bin_offset_of(small_class_count) <= 2048);
static_assert(bin_set::front_distance + bin_offset_of(small_class_count) <= page_map::misfit_limit);

}  // namespace ashlar
