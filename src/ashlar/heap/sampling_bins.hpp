// SPDX-License-Identifier: MIT
// The bins of a thread whose allocations are sampled: every pop is counted, at no cost to a pop.
//
// How often a bin was popped cannot be told from the bin: pushes undo pops. So a sampled thread
// pops from bins that nothing is pushed onto. They lie at a fixed distance in front of its local
// heap, and their tag differs from the local heap's by that distance: what free computes from it
// leads to the local heap's own bins, with the same instructions. A bin here that runs empty takes
// a batch from the local heap's; how many blocks it took is how many allocations there will be
// until the next time. A batch never reaches beyond the allocation that is to be sampled, which
// takes the slow path.
//
// Which ones are sampled: points are thrown onto the bytes that a thread allocates, one in
// `mean` bytes on average (observe/sampling.hpp); an allocation that is hit is sampled. Each size
// class and everything else have points of their own, which changes nothing of the chances.
//
// Invariants: (1) blocks here count as allocated in their slab, as those of any bin; (2) a class's
// `pops_left` counts allocations that come after its bin is empty. Threads: the owning thread only;
// others read fill levels for statistics. Cost: a batch of n pointers is copied, about 10 ns, every
// n allocations.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/heap/bin.hpp"
#include "ashlar/observe/sampling.hpp"

namespace ashlar {

struct local_heap;

struct sampling_bins : bin_set {
  /// From here to the local heap, in bytes. No bit of it is in the offset of a bin that has routes,
  /// so that exclusive-or with it is addition. And the two bins of a class differ in their lower 12
  /// bits, or processors take the load of the one for one that waits for the store to the other:
  /// with 4096 a malloc and free cost 11 ns instead of 7.
  static constexpr std::uint32_t distance = 4096 + 2048;

  /// Gets ready to serve the thread of the local heap behind, sampling once in `mean` bytes on
  /// average. What is ready already stays so. Returns false if there is no memory.
  bool start(std::size_t mean) noexcept;

  /// Whether an allocation of class `c` that finds its bin empty is to be sampled. Counts it.
  bool is_due(size_class c) noexcept;
  /// Whether an allocation of `size` bytes that belongs to no class here is to be sampled.
  bool hits(std::size_t size) noexcept { return points_.hits(size); }
  /// Whether something with this chance happens.
  bool happens(double chance) noexcept { return points_.fraction() < chance; }

  /// Fills the empty bin of `c` from the local heap's bin, with no more than that holds.
  void refill(size_class c) noexcept;
  /// The same, and pops a block; null if there is none to be had that simply.
  ASHLAR_NO_INLINE void* pop_next(size_class c) noexcept {
    refill(c);
    return bins[c].pop();
  }

  /// Puts all blocks back into the local heap's bins.
  void give_back() noexcept;
  /// Forgets all blocks: they stay allocated for ever.
  void drop() noexcept;
  /// Forgets which allocations are to be sampled, and chooses others: for the child of a fork, lest
  /// many children choose the same. A Poisson process has no memory, so no chance changes.
  void draw_anew() noexcept;
  /// Gives the memory of the bins back. They may not be used any more.
  void release_slots() noexcept;

  local_heap& own() noexcept;

 private:
  std::uint32_t draw(size_class c) noexcept;

  void** slots_;
  observe::sample_points points_;
  std::uint32_t pops_left_[class_count];
};

static_assert(bin_offset_of(small_class_count) <= 2048);
static_assert(sizeof(sampling_bins) <= sampling_bins::distance);

}  // namespace ashlar
