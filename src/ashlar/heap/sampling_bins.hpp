// SPDX-License-Identifier: MIT
// What counts the allocations of a thread that are sampled, at no cost to one that is not.
//
// How often a bin was popped cannot be told from the bin: pushes undo pops. So somebody must count,
// and the fast path of malloc must not, where nobody asks. A sampled thread's bins are these:
// always empty, so that malloc misses, and each with a number of pops that may be served like this:
// counted, and from the local heap's bin of the same class, which lies at a fixed distance behind
// (`pop_counted`). Other bins have 0 there, and go on to the slow path as ever. The tag here
// differs from the local heap's by the distance: what free computes from it leads to the local
// heap's own bins, with the same instructions. So blocks come back in the order that they always
// do.
//
// Which ones are sampled: points are thrown onto the bytes that a thread allocates, one in
// `mean` bytes on average (observe/sampling.hpp); an allocation that is hit is sampled. Each size
// class and everything else have points of their own, which changes nothing of the chances.
//
// Invariants: (1) bins here are empty and look so; (2) `pops_left` of a bin and `later_` of its
// class together are the allocations of the class before the one to be sampled. Threads: the owning
// thread only. Cost: nine instructions a malloc, and a slow path in a thousand of a class at least:
// there the thread learns that it is not to be sampled any more.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/heap/bin.hpp"
#include "ashlar/observe/sampling.hpp"

namespace ashlar {

struct local_heap;

struct sampling_bins : bin_set {
  /// Gets ready to serve the thread of the local heap behind, sampling once in `mean` bytes on
  /// average, from now on: whatever was to be sampled before is forgotten.
  void start(std::size_t mean) noexcept;

  /// Counts an allocation of class `c` that `pop_counted` did not. Returns whether it is to be
  /// sampled.
  bool is_due(size_class c) noexcept;
  /// Whether an allocation of `size` bytes that belongs to no class here is to be sampled.
  bool hits(std::size_t size) noexcept { return points_.hits(size); }
  /// Whether something with this chance happens.
  bool happens(double chance) noexcept { return points_.fraction() < chance; }

  /// Forgets which allocations are to be sampled, and chooses others: for the child of a fork, lest
  /// many children choose the same. A Poisson process has no memory, so no chance changes.
  /// Requires: it was started.
  void draw_anew() noexcept;

  local_heap& own() noexcept;

 private:
  void draw(size_class c) noexcept;
  void set_left(size_class c, std::uint32_t pops) noexcept;

  // Of a class that the thread has not used yet: most threads use few.
  static constexpr std::uint32_t not_drawn = 0xffff'ffff;

  observe::sample_points points_;
  std::uint32_t later_[class_count];
};

static_assert(sizeof(sampling_bins) <= bin_set::front_distance);

}  // namespace ashlar
