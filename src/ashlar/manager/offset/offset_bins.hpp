// SPDX-License-Identifier: MIT
// The bins of the offset manager: which sizes are kept together, and which bins hold anything.
//
// Two levels: each doubling of sizes is cut into 16 bins of equal width, so sizes in one bin differ
// by less than 1/16; up to 31 every size has a bin to itself. A bin number is a tiny float, four
// bits of mantissa below the exponent, so that numbers order as sizes do.
//
// There are two ways to round, and mixing them up is the classic bug of such an index: a free range
// is filed in the bin that its size lies in (`bin_of`), and a search that must not look inside a
// bin starts where every member suffices (`bin_of_at_least`). The second steps over fitting ranges
// in the bin of the size itself: the manager has to look there too.
#pragma once

#include <bit>
#include <cstdint>

namespace ashlar::offset_bins {

inline constexpr unsigned step_bits = 4;
inline constexpr std::uint32_t steps = 1u << step_bits;

/// The largest size: sums of two sizes fit 64 bits, and its bin is the last one.
inline constexpr std::uint64_t max_units = ~std::uint64_t{0} >> 1;

/// Returns the bin that ranges of this size are filed in. Requires: 1 <= units <= max_units.
constexpr std::uint32_t bin_of(std::uint64_t units) {
  if (units < steps) return static_cast<std::uint32_t>(units);
  const unsigned shift = static_cast<unsigned>(std::bit_width(units)) - 1 - step_bits;
  return (shift + 1) << step_bits | static_cast<std::uint32_t>(units >> shift & (steps - 1));
}

inline constexpr std::uint32_t bin_count = bin_of(max_units) + 1;

/// Returns the smallest size of a bin; for `bin_count`, one more than the largest of all.
constexpr std::uint64_t smallest_in(std::uint32_t bin) {
  if (bin < steps) return bin;
  return std::uint64_t{steps | (bin & (steps - 1))} << ((bin >> step_bits) - 1);
}

/// Returns the first bin of which every member has `units` or more; `bin_count` if there is none.
constexpr std::uint32_t bin_of_at_least(std::uint64_t units) {
  if (units > max_units) return bin_count;
  const std::uint32_t bin = bin_of(units);
  return smallest_in(bin) == units ? bin : bin + 1;
}

/// The set of bins that hold something: a bit each, and a bit for each word of them that is not 0.
class bin_set {
 public:
  static constexpr std::uint32_t none = bin_count;

  void insert(std::uint32_t bin) {
    words_[bin / 64] |= std::uint64_t{1} << bin % 64;
    summary_ |= std::uint64_t{1} << bin / 64;
  }
  void erase(std::uint32_t bin) {
    words_[bin / 64] &= ~(std::uint64_t{1} << bin % 64);
    if (words_[bin / 64] == 0) summary_ &= ~(std::uint64_t{1} << bin / 64);
  }
  bool has(std::uint32_t bin) const { return (words_[bin / 64] >> bin % 64 & 1) != 0; }

  /// Returns the first bin in the set that is not below `bin`, or `none`. Two scans for a bit.
  std::uint32_t first_from(std::uint32_t bin) const {
    if (bin >= bin_count) return none;
    std::uint32_t word = bin / 64;
    std::uint64_t bits = words_[word] & ~std::uint64_t{0} << bin % 64;
    if (bits == 0) {
      const std::uint64_t later = summary_ & ~std::uint64_t{0} << (word + 1);
      if (later == 0) return none;
      word = static_cast<std::uint32_t>(std::countr_zero(later));
      bits = words_[word];
    }
    return word * 64 + static_cast<std::uint32_t>(std::countr_zero(bits));
  }

  /// Returns the last bin in the set that is below `bin`, or `none`.
  std::uint32_t last_below(std::uint32_t bin) const {
    while (bin-- > 0)
      if (has(bin)) return bin;
    return none;
  }

  /// Returns whether the summary says of each word what is true, and nothing is beyond the bins.
  bool is_tidy() const {
    std::uint64_t expected = 0;
    for (std::uint32_t word = 0; word < word_count; ++word)
      expected |= static_cast<std::uint64_t>(words_[word] != 0) << word;
    return summary_ == expected;
  }

 private:
  static constexpr std::uint32_t word_count = (bin_count + 63) / 64;
  static_assert(bin_count % 64 == 0 && word_count < 64,
                "no bit stands for nothing, and shifts by word + 1 are defined");

  std::uint64_t summary_;
  std::uint64_t words_[word_count];
};

}  // namespace ashlar::offset_bins
