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

#include "ashlar/heap/size_class.hpp"
#include "ashlar/heap/slab.hpp"
#include "ashlar/structure/intrusive_list.hpp"
#include "ashlar/structure/lock.hpp"

namespace ashlar {

class heap;

/// What bins of a local heap that was never set up point to: popping it yields null.
inline constinit void* null_slot[1] = {nullptr};

struct bin {
  void** top = null_slot;               // the last block pushed; base when empty
  void** end = null_slot;               // the last slot: top == end when full
  void** base = null_slot;              // base[0] is always null
  std::uint16_t refills = 0;            // since the last flush: is the bin in demand?
  std::uint16_t parked = 0;             // blocks of a parked bin, which shows itself empty and full
  std::uint16_t capacity = 0;           // slots behind base
  std::uint8_t mostly_foreign : 1 = 0;  // the last flush brought home blocks of other threads
  std::uint8_t idle : 7 = 0;            // how often in a row the bin was found parked
  std::uint8_t reparked = 0;            // how often since all bins were parked

  /// Blocks in the bin. Another thread may ask while the owner pops and pushes: then it gets a
  /// count that was or will be right, but never one that leads beyond `capacity`.
  std::uint32_t count() const {
    const std::ptrdiff_t n = load_relaxed(top) - load_relaxed(base) + load_relaxed(parked);
    return n >= 0 && n <= load_relaxed(capacity) ? static_cast<std::uint32_t>(n) : 0;
  }
};
static_assert(sizeof(bin) == 32);

/// What refills tell about the requests that a class serves; see heap_describe.cpp.
struct request_sample {
  std::uint64_t requests = 0;
  std::uint64_t bytes = 0;
};

enum class local_state : std::uint8_t {
  active,  // bound to a thread
  idle,    // its thread has ended; waits to be adopted
  shared,  // never bound: serves threads that cannot have one, block by block, under the lock
};

struct local_heap {
  static constexpr std::size_t bins_offset = 64;

  std::uint32_t tag = 0;  // number of the heap << page_map::number_shift
  local_state state = local_state::active;
  heap* home = nullptr;
  local_heap** binding = nullptr;  // the thread's pointer to this, set to `unbound` when it ends
  local_heap* unbound = nullptr;
  local_heap* next_of_thread = nullptr;  // other heaps' local heaps of the same thread
  local_heap* next_in_heap = nullptr;    // all local heaps of `home`
  local_heap* next_idle = nullptr;

  alignas(64) bin bins[class_count] = {};

  alignas(64) lock mutex = {};
  intrusive_list<slab> partial[class_count] = {};
  std::uint64_t tended_at = 0;  // ns
  std::uint32_t seen_purges = 0;
  std::uint32_t class_slabs[class_count] = {};  // slabs owned, of each class
  const slab* newest[class_count] = {};         // the last new one, while it is owned
  request_sample samples[class_count] = {};

  /// The first slots of all bins, directly behind.
  void** slots() { return reinterpret_cast<void**>(this + 1); }

  /// Bytes of a local heap with its first slots.
  static std::size_t total_size();
  /// Sets up a zeroed piece of memory as a local heap.
  void initialize(heap& owner_heap, std::uint32_t heap_tag) noexcept;

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
  void* pop(size_class c) noexcept;
  bool make_room(size_class c) noexcept;
  static void park(bin& b) noexcept;
  static void unpark(bin& b) noexcept;
  static void park_again(bin& b) noexcept;
  void grow_bin(size_class c) noexcept;
  std::uint32_t take_batch(size_class c, void** slots_top, std::uint32_t wanted) noexcept;
  std::uint32_t put_owned(void** blocks, std::uint32_t count, local_heap& owner) noexcept;
  slab* slab_with_free(size_class c) noexcept;
  bool last_is_well_used(size_class c) const noexcept;
  slab* new_slab(size_class c) noexcept;
  slab* steal_slab(size_class c) noexcept;
};

/// Where the bin of a class lies inside a local heap: what routes hold.
constexpr std::size_t bin_offset_of(size_class c) {
  return local_heap::bins_offset + c * sizeof(bin);
}

static_assert(offsetof(local_heap, bins) == local_heap::bins_offset);
static_assert(local_heap::bins_offset + class_count * sizeof(bin) <= page_map::misfit_limit);

/// Puts one block back into its slab, whoever owns it. Takes the owner's lock.
void put_remote(slab& s, void* p) noexcept;

/// As `put_remote`, with the lock of the owner held. Releases the slab if it is empty and spare.
void put_block(slab& s, void* p) noexcept;

}  // namespace ashlar
