// SPDX-License-Identifier: MIT
// What counts the allocations of a thread that are sampled, at no cost to one that is not.
//
// How often a bin was popped cannot be told from the bin: pushes undo pops. So somebody must count,
// and the fast path of malloc must not, where nobody asks. A sampled thread's `current_local`
// points a few bytes into its local heap: there malloc finds each bin's base where it looks for the
// top, takes the bin for an empty one, and what it does next counts (`pop_counted`): each bin has a
// number of pops that may be served like this. What others find there is 0, and they go on to the
// slow path as ever. The tag there differs from the local heap's by the distance: what free
// computes from it leads to the same bins, with the same instructions. So blocks come back in the
// order that they always do, and no other line of the cache is touched.
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
// A thread that allocates very fast has its mean doubled (observe/sample_pace.hpp): each stretch
// keeps the one that it was looked at with.
//
// Invariants: (1) only a sampled thread reads or writes `pops_left`; (2) its next `pops_left`
// allocations of a class are not sampled, and the one behind them is if the class is `due`.
// Threads: the owning thread only. Cost: eight instructions a malloc, and a slow path for each
// stretch: there the thread learns that it is not to be sampled any more.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/heap/bin.hpp"
#include "ashlar/observe/sampling.hpp"

namespace ashlar {

struct sampling_bins : bin_table {
  /// Gets ready to serve a thread by `sampled`, sampling once in `mean` bytes on average, as long
  /// as it allocates at most `up_to` bytes a second (0: always). If it was ready before, it goes on
  /// with the points of then.
  void start_sampling(std::size_t mean, std::size_t up_to) noexcept;
  /// Forgets the points. For whoever stops to sample a thread: before it learned of that, it may
  /// have passed blocks that were to be no samples, but none that was.
  void forget_points() noexcept;

  /// Counts an allocation of class `c` that `pop_counted` did not, if it is known not to be
  /// sampled.
  bool passes(size_class c) noexcept {
    if (bins[c].pops_left == 0) return false;
    --bins[c].pops_left;
    return true;
  }
  /// Counts any such allocation. Returns whether it is to be sampled.
  observe::drawn is_due(size_class c) noexcept;
  /// The thread's points: for what belongs to no class here, and for what was sampled.
  observe::sample_points& points() { return points_; }
  /// Whether samples were rare lately.
  bool is_hasty() const { return most_doublings_ != 0 || points_.doublings() != 0; }
  /// Whether `slow_down` is to be called now, which takes a clock: when a stretch was looked at,
  /// and once in 16 times that a hasty thread asks.
  bool is_to_look() noexcept { return is_hasty() && ++asked_ % looks_apart == 0; }
  /// Enters that it is `now`, in nanoseconds: the mean of a thread that has slowed down falls.
  /// Requires: not called because of what a class has ahead, which may be forgotten.
  void slow_down(std::uint64_t now) noexcept;

  /// Draws other points: for the child of a fork, lest many children have the same.
  void draw_anew(std::uint64_t seed) noexcept;

 private:
  static constexpr std::size_t longest_stretch = 1023;  // blocks
  static constexpr std::size_t shortest_stretch = 16;
  static constexpr std::uint8_t looks_apart = 16;

  /// What is known of a class beyond its `pops_left`.
  enum class outlook : std::uint8_t { unseen, open, due };

  void draw(size_class c) noexcept;
  std::uint8_t most_doublings_ahead() const noexcept;

  observe::sample_points points_;
  outlook outlook_[class_count] = {};
  std::uint8_t doublings_[class_count] = {};  // of the mean that each was looked at with
  std::uint8_t most_doublings_ = 0;           // of any of these, or more
  std::uint8_t asked_ = 0;
};

/// Whoever counts for a thread whose bins are `h`. Requires: they are sampled.
inline sampling_bins& counting(bin_set& h) noexcept {
  auto* const table = reinterpret_cast<std::byte*>(&h) - bin_set::sampled_distance;
  return *reinterpret_cast<sampling_bins*>(table);
}

}  // namespace ashlar
