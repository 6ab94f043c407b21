// SPDX-License-Identifier: MIT
// Which allocations are sampled, and what each sampled one stands for.
//
// Points fall onto the bytes that a program allocates, at random and independently, one in `mean`
// bytes on average (a Poisson process). An allocation that covers `size` bytes is sampled if at
// least one point hits it: with the chance 1 - exp(-size / mean). It then stands for 1 / chance
// allocations like it: so every sum of sampled blocks or bytes is right on average, whatever the
// sizes, and whatever the program does. Where a thread allocates very fast its points become rarer
// (sample_pace.hpp): the mean that holds for a point is the one of when its gap was drawn.
//
// How far off a sum may be: its standard deviation is at most sqrt(mean * bytes), since a block of
// `size` bytes adds size^2 * (1 - chance) / chance <= size * mean to the variance.
//
// `covered` bytes are those that the heap set aside for a block, known without knowing what was
// asked for. No libm here: the drop-in links libc alone.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/observe/sample_pace.hpp"

namespace ashlar::observe {

/// Mean bytes between two points unless something else is asked for.
inline constexpr std::size_t standard_sample_bytes = std::size_t{512} << 10;

/// Returns the chance that an allocation which covers `covered` bytes is sampled. Within 1e-12.
double sample_chance(std::size_t covered, std::size_t mean) noexcept;

/// What one record stands for. Units: blocks, bytes as asked for.
struct block_weight {
  std::uint64_t blocks = 0;
  std::uint64_t bytes = 0;
};

/// Sums of bytes have at most the variance `mean * (bytes + excess)`, with the mean that was asked
/// for: this is a sample's part of `excess`, 0 if its own mean was that one. In bytes.
constexpr std::uint64_t excess_of(const block_weight& w, std::uint8_t doublings) {
  constexpr std::uint64_t most = std::uint64_t{1} << 62;
  return w.bytes > most >> doublings ? most : (w.bytes << doublings) - w.bytes;
}

/// What decides whether the blocks and bytes that a sample stands for, no whole numbers, are
/// rounded up or down: so that it is right on average, and the same whenever it is asked for. `lot`
/// goes evenly from 0 to 31 over the samples of a thread; `key` tells blocks of one lot apart.
struct rounding {
  std::uint8_t lot = 0;
  std::uint64_t key = 0;
};

/// Returns what a sampled block of `size` bytes stands for.
block_weight weigh(std::size_t size, std::size_t covered, std::size_t mean, rounding by) noexcept;

/// Whether an allocation is sampled, and how often the mean was doubled that its chance came from:
/// for a block of a class that is none, 0.
struct [[nodiscard]] drawn {
  bool is_hit = false;
  std::uint8_t doublings = 0;

  explicit operator bool() const { return is_hit; }
};

/// The points of one thread, or of one part of what it allocates. Threads: one.
class sample_points {
 public:
  /// Begins: `mean` bytes between points on average, above 0; rarer where the thread allocates more
  /// than `up_to` bytes a second, unless that is 0.
  void start(std::size_t mean, std::size_t up_to, std::uint64_t seed) noexcept;

  /// Whether it was started with these.
  bool are_for(std::size_t mean, std::size_t up_to) const {
    return mean_ == mean && up_to_ == up_to;
  }
  /// How often the mean is doubled for what `clear_blocks` is asked about now.
  std::uint8_t doublings() const { return pace_.doublings(); }

  /// Goes on with other points than another process does that has the same ones.
  void stir(std::uint64_t seed) noexcept;

  /// Looks at the next `count` blocks of `size` bytes each. Returns how many of them lie before the
  /// first point: `count` if there is none among them. What comes next does not depend on it.
  /// Cheap if they are no more than `usual_gap()` bytes together.
  std::size_t clear_blocks(std::size_t count, std::size_t size) noexcept;
  /// Whether there is a point in the next `size` bytes of those that this function is asked about.
  /// Cost: a subtraction; a logarithm for each point.
  drawn hits(std::size_t size) noexcept {
    if (size > gap_) [[unlikely]]
      return hits_next(size);
    gap_ -= size;
    return {false, gap_doublings_};
  }
  /// How often the mean is doubled for the next bytes that `hits` is asked about.
  std::uint8_t doublings_ahead() noexcept {
    if (!has_gap_) draw_gap();
    return gap_doublings_;
  }
  /// Whether too many samples make the next ones rarer.
  bool have_a_limit() const { return !pace_.is_endless(); }
  /// Enters that a sample was drawn, in nanoseconds of any clock.
  void took_one(std::uint64_t now) noexcept { pace_.take(now); }
  /// Enters that it is `now`. The mean may fall, and a gap that comes from one that is too large by
  /// far is drawn anew: whether there is a point ahead has no part in that.
  void settle(std::uint64_t now) noexcept;
  /// Whether a mean of then is too large by far for a thread as slow as now. Once doubled it may be
  /// from one sample to the next.
  bool is_outdated(std::uint8_t then) const { return then > pace_.doublings() + 1; }
  /// Bytes that seldom have a point among them: an eighth of the mean.
  std::size_t usual_gap() const { return current_mean() / 8; }
  /// The chance that they have none: exp(-1/8).
  static constexpr double usual_chance = 0.88249690258459540286;
  /// Returns a random number from [0, 1).
  double fraction() noexcept;

 private:
  std::size_t current_mean() const { return mean_ << pace_.doublings(); }
  drawn hits_next(std::size_t size) noexcept;
  void draw_gap() noexcept;

  std::size_t mean_ = 0;
  std::size_t up_to_ = 0;
  std::uint64_t random_ = 0;
  std::size_t gap_ = 0;             // bytes before the next point that `hits` will meet
  std::uint8_t gap_doublings_ = 0;  // of the mean that it was drawn with
  bool has_gap_ = false;            // it was drawn
  sample_pace pace_;
};

}  // namespace ashlar::observe
