// SPDX-License-Identifier: MIT
// The part of a heap that one thread works in: its bins, and the slabs that it owns.
//
// A bin is a stack of pointers to free blocks of one size class. malloc pops, free pushes; nothing
// else happens on a hit. A bin that runs empty takes a batch from its slabs (refill), a full one
// gives its older half back (flush). Bins start small and double while they are in demand.
//
// Bins can be parked: a parked bin looks empty to malloc and full to free, so that the next
// operation takes the slow path, which restores it. This is how a program that does next to nothing
// still drives the purging of idle memory, at no cost to the fast path: a bin is parked after it
// was flushed, and all bins are parked once every 20 ms from then on, each up to 32 times in that
// time: a program that does more is busy. While the store has much to give back, frees do not count
// towards the 32, and a flush by a program that only frees parks all bins: a burst leaves them
// parked. A bin that is found parked ten times in a row is idle, and flushed, for a single block in
// it keeps a slab alive. For the same reason all bins are flushed when the store has met its bound:
// then the program gives memory back in earnest.
//
// A bin takes any block of the heap, whoever owns its slab: free is the same 20 instructions for a
// block of another thread, and malloc reuses it while it is hot. Flushing brings blocks home: they
// are put back into their slabs under the lock of each owner in turn. So no memory waits for a
// thread that sleeps, and any thread may trim, walk or adopt any local heap by taking its lock.
//
// Invariants: (1) a block in a bin counts as allocated in its slab; (2) bin.base[0] is null, so
// that popping an empty bin yields null; (3) base <= top <= end. Threads: bins: the owning thread
// only (others read the fill level for statistics). Slab lists: whoever holds `mutex`. Lock order:
// one local heap at a time, then the span store.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "ashlar/heap/bin.hpp"
#include "ashlar/heap/sampling_bins.hpp"
#include "ashlar/heap/slab.hpp"
#include "ashlar/structure/intrusive_list.hpp"
#include "ashlar/structure/lock.hpp"

namespace ashlar {

class heap;

/// What refills tell about the requests that a class serves; see heap_describe.cpp.
struct request_sample {
  std::uint64_t requests = 0;
  std::uint64_t bytes = 0;
};

struct local_heap : sampling_bins {
  heap* home = nullptr;
  bin_set** binding = nullptr;  // the thread's pointer to its bins, set to `unbound` when it ends
  bin_set* unbound = nullptr;
  local_heap* next_of_thread = nullptr;  // other heaps' local heaps of the same thread
  local_heap* next_in_heap = nullptr;    // all local heaps of `home`
  local_heap* next_idle = nullptr;

  alignas(64) lock mutex = {};
  intrusive_list<slab> partial[class_count] = {};
  std::uint64_t tended_at = 0;  // ns
  std::uint32_t seen_purges = 0;
  std::uint32_t class_slabs[class_count] = {};  // slabs owned, of each class
  const slab* newest[class_count] = {};         // the last new one, while it is owned
  request_sample samples[class_count] = {};

  /// The first slots of all bins, directly behind.
  void** slots() { return reinterpret_cast<void**>(this + 1); }

  /// Returns a new local heap; null if there is no memory.
  static local_heap* create(heap& owner_heap, std::uint32_t heap_tag) noexcept;
  /// Gives its memory back, but for grown bins: see `release_slots`.
  static void destroy(local_heap* h) noexcept;

  /// Fills the empty bin of `c` and pops a block. Null if there is no memory.
  /// `requested` is the size the caller asked for, for the slack estimate.
  void* refill(size_class c, std::size_t requested) noexcept;

  /// Pushes a block of this heap, whatever the state of the bin.
  void push(size_class c, void* p) noexcept;

  /// Puts the older `count` blocks of a bin back into their slabs.
  void flush(size_class c, std::uint32_t count) noexcept;
  void flush_all() noexcept;

  /// Takes one block straight from a slab, under the lock. For `shared` local heaps.
  void* take_one(size_class c) noexcept;
  /// Takes one from a slab that is there already, of the smallest class from `c` to `last` that has
  /// room and is aligned to no less than `c`. Null if there is none. For any thread.
  void* take_left_over(size_class c, size_class last) noexcept;

  /// Lets the store purge if it is time, flushes idle bins, and parks the others.
  void tend() noexcept;

  /// Puts a slab where it belongs after blocks were put into it. Requires the lock.
  void settle(slab& s) noexcept;

  /// Forgets a slab that goes to the store or to another local heap. Requires the lock.
  void disown(const slab& s) noexcept;

  /// Gives slabs without live blocks back to the store.
  void release_empty_slabs() noexcept;

  /// Forgets the blocks in bins: they stay allocated for ever.
  void drop_bins() noexcept;
  /// Gives the memory of grown bins back. The local heap may not be used any more.
  void release_slots() noexcept;

 private:
  bool make_room(size_class c) noexcept;
  static void park(bin& b) noexcept;
  static void unpark(bin& b) noexcept;
  static void park_again(bin& b) noexcept;
  void grow_bin(size_class c) noexcept;
  std::uint32_t take_from(slab& s, void** slots_top, std::uint32_t wanted) noexcept;
  std::uint32_t take_batch(size_class c, void** slots_top, std::uint32_t wanted) noexcept;
  std::uint32_t put_owned(void** blocks, std::uint32_t count, local_heap& owner) noexcept;
  slab* slab_with_free(size_class c) noexcept;
  bool last_is_well_used(size_class c) const noexcept;
  slab* new_slab(size_class c) noexcept;
  slab* steal_slab(size_class c) noexcept;
};

/// Puts one block back into its slab, whoever owns it. Takes the owner's lock.
void put_remote(slab& s, void* p) noexcept;

/// As `put_remote`, with the lock of the owner held. Releases the slab if it is empty and spare.
void put_block(slab& s, void* p) noexcept;

}  // namespace ashlar
