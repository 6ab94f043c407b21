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
// Points are independent, so a class is looked at a stretch at a time. The first is of some blocks
// that seldom have a point among them, which one comparison tells, for threads that live shortly;
// but of at least 16, since of large ones each has a point often enough, and a logarithm to say
// which comes to less than one a block. All others are as long as may be.
//
// Invariants: (1) bins here are empty and look so; (2) the next `pops_left` allocations of a class
// are not sampled, and the one behind them is if the class is `due`. Threads: the owning
// thread only. Cost: six instructions a malloc, and a slow path for each stretch: there the
// thread learns that it is not to be sampled any more.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/heap/bin.hpp"
#include "ashlar/observe/sampling.hpp"

namespace ashlar {

struct local_heap;

struct sampling_bins : bin_set {
  /// Gets ready to serve the thread of the local heap behind, sampling once in `mean` bytes on
  /// average. If they served another thread before, they go on with its points.
  void start(std::size_t mean) noexcept;
  /// Forgets the points. For whoever stops to sample a thread: before it learned of that, it may
  /// have passed blocks that were to be no samples, but none that was.
  void forget() noexcept;

  /// Counts an allocation of class `c` that `pop_counted` did not, if it is known not to be
  /// sampled.
  bool passes(size_class c) noexcept {
    if (bins[c].pops_left == 0) return false;
    --bins[c].pops_left;
    return true;
  }
  /// Counts any such allocation. Returns whether it is to be sampled.
  bool is_due(size_class c) noexcept;
  /// Whether an allocation of `size` bytes that belongs to no class here is to be sampled.
  bool hits(std::size_t size) noexcept { return points_.hits(size); }
  /// Whether something with this chance happens.
  bool happens(double chance) noexcept { return points_.fraction() < chance; }

  /// Draws other points: for the child of a fork, lest many children have the same.
  void draw_anew(std::uint64_t seed) noexcept;

  local_heap& own() noexcept {
    return *reinterpret_cast<local_heap*>(reinterpret_cast<std::byte*>(this) + front_distance);
  }

 private:
  static constexpr std::size_t longest_stretch = 1023;  // blocks
  static constexpr std::size_t shortest_stretch = 16;

  /// What is known of a class beyond its `pops_left`.
  enum class outlook : std::uint8_t { unseen, open, due };

  void draw(size_class c) noexcept;

  observe::sample_points points_;
  outlook outlook_[class_count] = {};
};

static_assert(sizeof(sampling_bins) <= bin_set::front_distance);

}  // namespace ashlar
