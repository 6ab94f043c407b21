// SPDX-License-Identifier: MIT
// How many samples a thread takes, and how much rarer they are to be when it takes too many.
//
// A sample costs a microsecond or two, whatever it stands for. A thread that allocates twenty
// gigabytes a second would spend 4 % of its time on a sample in 512 KiB; so each thread has an
// allowance of samples a second. Those it takes fill a vessel that runs empty at that speed. While
// it is no more than a burst full, nothing changes. Beyond that, each further step of it doubles
// the mean bytes between two samples: so the vessel comes to rest where as many samples come as run
// off, at any speed of allocation. When the thread slows down it empties, and the mean falls again.
// Only samples that were drawn count: what else is done for samples that there are, no rarer ones
// could spare.
//
// Estimates stay right on average: what is sampled with which chance is decided before it is
// allocated, and each sample knows its own (sampling.hpp).
//
// Threads: one.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ashlar::observe {

/// Bytes that a thread may allocate a second before its samples become rarer, unless something else
/// is asked for: with the standard mean 1,024 samples, which cost one or two milliseconds.
inline constexpr std::size_t standard_sample_up_to = std::size_t{512} << 20;

class sample_pace {
 public:
  /// The mean grows to 4,096 times what was asked for at most.
  static constexpr std::uint8_t most_doublings = 12;

  /// Allows what `up_to` bytes a second give with a sample in `mean` bytes; 0: any number.
  void allow(std::size_t up_to, std::size_t mean) noexcept;

  /// Whether it allows any number.
  bool is_endless() const { return per_ns_ <= 0; }
  /// Enters a sample that is taken at `now`, in nanoseconds.
  void take(std::uint64_t now) noexcept;
  /// Enters that it is `now`: without samples, too, the vessel runs empty.
  void run_off(std::uint64_t now) noexcept;

  /// How often the mean is to be doubled now.
  std::uint8_t doublings() const { return doublings_; }

 private:
  void fill(double samples, std::uint64_t now) noexcept;

  double per_ns_ = 0;  // what runs off; 0: any number of samples may come
  double burst_ = 0;
  double fill_ = 0;  // samples
  std::uint64_t latest_ = 0;
  std::uint8_t doublings_ = 0;
};

}  // namespace ashlar::observe
