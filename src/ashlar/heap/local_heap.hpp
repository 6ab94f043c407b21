// SPDX-License-Identifier: MIT
// The part of a heap that one thread works in: its bins, and the slabs that it owns.
//
// A bin is a stack of pointers to free blocks of one size class. malloc pops, free pushes; nothing
// else happens on a hit. A bin that runs empty takes a batch from its slabs (refill), a full one
// gives its older half back (flush). Bins start small and double while they are in demand.
//
// Ownership is a routing hint. A block goes into the bin of the thread that frees it only if that
// thread owns the slab; others collect it in their `remote` buffer, which is put back into the slabs
// in batches, under the owner's lock, by the thread that freed. So no memory waits for a thread that
// sleeps, and any thread may trim, walk or adopt any local heap by taking its lock.
//
// Invariants: (1) a block in a bin or in a remote buffer counts as allocated in its slab; (2)
// bin.base[0] is null, so that popping an empty bin yields null; (3) base <= top <= end.
// Threads: bins, remote buffer: the owning thread only (others read the fill level for statistics).
// Slab lists: whoever holds `mutex`. Lock order: one local heap at a time, then the span store.
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
  void** top = null_slot;   // the last block pushed; base when empty
  void** end = null_slot;   // the last slot: top == end when full
  void** base = null_slot;  // base[0] is always null
  std::uint32_t refills = 0;   // since the last flush: is the bin in demand?
  std::uint32_t capacity = 0;  // slots behind base

  std::uint32_t count() const {
    return static_cast<std::uint32_t>(load_relaxed(top) - load_relaxed(base));
  }
};
static_assert(sizeof(bin) == 32);

/// What refills tell about the requests that a class serves; see statistics.cpp.
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
  static constexpr std::uint32_t remote_capacity = 128;
  static constexpr std::size_t bins_offset = 64;

  std::uint32_t tag = 0;  // owner number << page_map::owner_shift
  local_state state = local_state::active;
  heap* home = nullptr;
  local_heap** binding = nullptr;           // the thread's pointer to this, set to `unbound` when it ends
  local_heap* unbound = nullptr;
  local_heap* next_of_thread = nullptr;     // other heaps' local heaps of the same thread
  local_heap* next_in_heap = nullptr;       // all local heaps of `home`
  local_heap* next_idle = nullptr;

  alignas(64) bin bins[class_count] = {};

  alignas(64) lock mutex = {};
  std::uint32_t slab_count = 0;
  std::uint32_t remote_count = 0;
  intrusive_list<slab> partial[class_count] = {};
  request_sample samples[class_count] = {};
  void* remote[remote_capacity] = {};
  void* slots[];  // first slots of all bins

  /// Bytes of a local heap with its first slots.
  static std::size_t total_size();
  /// Sets up a zeroed piece of memory as a local heap.
  void initialize(heap& owner_heap, std::uint32_t owner_tag) noexcept;

  std::uint32_t code_of(size_class c) const {
    return tag | static_cast<std::uint32_t>(bins_offset + c * sizeof(bin));
  }

  /// Fills the empty bin of `c` and pops a block. Null if there is no memory.
  /// `requested` is the size the caller asked for, for the slack estimate.
  void* refill(size_class c, std::size_t requested) noexcept;

  /// Pushes a block of this thread's own slabs, whatever the state of the bin.
  void push(size_class c, void* p) noexcept;

  /// Keeps a block of another thread's slab, to be put back in a batch.
  void push_remote(void* p) noexcept;

  /// Puts the older `count` blocks of a bin back into their slabs.
  void flush(size_class c, std::uint32_t count) noexcept;
  void flush_all() noexcept;
  void flush_remote() noexcept;

  /// Takes one block straight from a slab, under the lock. For `shared` local heaps.
  void* take_one(size_class c) noexcept;

  /// Gives slabs without live blocks back to the store.
  void release_empty_slabs() noexcept;

  /// Forgets the blocks in bins and remote buffer: they stay allocated for ever.
  void drop_bins() noexcept;
  /// Gives the memory of grown bins back. The local heap may not be used any more.
  void release_slots() noexcept;

 private:
  void* pop(size_class c) noexcept;
  void grow_bin(size_class c) noexcept;
  std::uint32_t take_batch(size_class c, void** slots_top, std::uint32_t wanted) noexcept;
  slab* slab_with_free(size_class c) noexcept;
  slab* new_slab(size_class c) noexcept;
  slab* steal_slab(size_class c) noexcept;
  friend void put_block(slab& s, void* p) noexcept;
};

static_assert(offsetof(local_heap, bins) == local_heap::bins_offset);
static_assert(local_heap::bins_offset + class_count * sizeof(bin) <= page_map::misfit_limit);

/// Puts one block back into its slab, whoever owns it. Takes the owner's lock.
void put_remote(slab& s, void* p) noexcept;

/// As `put_remote`, with the lock of the owner held. Releases the slab if it is empty and spare.
void put_block(slab& s, void* p) noexcept;

}  // namespace ashlar
