// SPDX-License-Identifier: MIT
// The two-level bins of TLSF: free blocks in lists by size, found by two bit scans.
//
// Sizes below 256 bytes have a bin each; above, each doubling is cut into 16 bins, so a bin's sizes
// differ by at most 1/16. A request looks where every block is large enough: in its own bin if that
// holds one size, else in the next bins that are not empty. Before that it looks at one block of
// its own bin, which may be large enough too: that saves most of what rounding up costs (decision
// 0012).
//
//     granules   0 1 2 ... 31 | 32-33 34-35 ... 62-63 | 64-67 ... | ...     bin_of
//     bin        0 1 2 ... 31 | 32    33    ... 47    | 48    ... | ...
//
// Invariants, checked by check_invariants(): (1) a bin's bit is set exactly if its list is not
// empty, and a word's bit in the summary exactly if the word is not zero; (2) each block of a list
// is free and of a size of that bin; (3) links of neighbours name each other.
//
// Threads: thread-compatible. Cost: insert and remove O(1); find two bit scans and a look at
// one block, however many there are.
// Source: Masmano, Ripoll, Crespo, Real: TLSF, ECRTS 2004.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "ashlar/manager/fit/fit_block.hpp"

namespace ashlar {

/// Bins for blocks of up to `Largest` bytes.
template <std::size_t Largest>
class fit_bins {
 public:
  static constexpr unsigned divisions = 16;
  static constexpr unsigned exact = 2 * divisions;  // bins of one size: granules below this
  /// Returns the bin of blocks of this many granules.
  static constexpr unsigned bin_of(std::size_t granules) {
    const unsigned shift = log2_floor(granules | divisions) - log2_floor(divisions);
    return shift * divisions + static_cast<unsigned>(granules >> shift);
  }
  /// Returns the lowest bin whose blocks all have this many granules.
  static constexpr unsigned bin_above(std::size_t granules) {
    const unsigned shift = log2_floor(granules | divisions) - log2_floor(divisions);
    const std::size_t top = (granules + (std::size_t{1} << shift) - 1) >> shift;
    return shift * divisions + static_cast<unsigned>(top);
  }
  /// Returns the least granules that a block of this bin has.
  static constexpr std::size_t least_of(unsigned bin) {
    if (bin < exact) return bin;
    const unsigned shift = bin / divisions - 1;
    return std::size_t{bin % divisions + divisions} << shift;
  }
  static constexpr unsigned bin_count = bin_of(Largest / fit_block::granule) + 1;

  constexpr fit_bins() = default;
  explicit fit_bins(fit_links links) : links_(links) {}

  // Crumbs have no room for a node: they go by unnoticed.

  /// Requires: it has at most `Largest` bytes.
  void insert(fit_block* b) {
    if (b->is_crumb()) [[unlikely]]
      return;
    const unsigned bin = bin_of(b->granules());
    const std::uint32_t me = links_.of(b);
    const std::uint32_t next = heads_[bin];
    b->link[0] = next;
    b->link[1] = 0;
    if (next != 0) links_.at(next)->link[1] = me;
    heads_[bin] = me;
    words_[bin / 64] |= std::uint64_t{1} << bin % 64;
    summary_ |= 1u << bin / 64;
  }

  void remove(fit_block* b) {
    if (b->is_crumb()) [[unlikely]]
      return;
    const std::uint32_t next = b->link[0];
    const std::uint32_t previous = b->link[1];
    if (next != 0) links_.at(next)->link[1] = previous;
    if (previous != 0) {
      links_.at(previous)->link[0] = next;
      return;
    }
    const unsigned bin = bin_of(b->granules());
    heads_[bin] = next;
    if (next == 0) clear(bin);
  }

  /// Returns a block of at least `size` bytes, or null. Of null it does not follow that there is
  /// none, but that any there is lies in the bin of that size.
  fit_block* find(std::size_t size) const {
    const std::size_t granules = size / fit_block::granule;
    if (granules >= exact) {
      if (size > Largest) return nullptr;
      fit_block* const b = block(heads_[bin_of(granules)]);
      if (b != nullptr && b->granules() >= granules) return b;
    }
    return first_from(bin_above(granules));
  }
  /// Returns another block of the same bin, or null.
  fit_block* find_next(fit_block* b) const { return block(b->link[0]); }
  /// Returns the first block of the next bin that is not empty, or null.
  fit_block* find_larger(fit_block* b) const { return first_from(bin_of(b->granules()) + 1); }

  /// Panics if a rule is broken. Returns the number of blocks.
  std::size_t check_invariants() const;

 private:
  static constexpr unsigned word_count = (bin_count + 63) / 64;
  static_assert(word_count <= 32);

  fit_block* block(std::uint32_t link) const { return link != 0 ? links_.at(link) : nullptr; }

  fit_block* first_from(unsigned bin) const {
    unsigned word = bin / 64;
    if (word >= word_count) return nullptr;
    std::uint64_t bits = words_[word] & ~std::uint64_t{0} << bin % 64;
    if (bits == 0) {
      // In two steps: a shift by 32 is not defined.
      const std::uint32_t above = summary_ & ~std::uint32_t{1} << word;
      if (above == 0) return nullptr;
      word = static_cast<unsigned>(std::countr_zero(above));
      bits = words_[word];
    }
    return links_.at(heads_[word * 64 + static_cast<unsigned>(std::countr_zero(bits))]);
  }

  void clear(unsigned bin) {
    words_[bin / 64] &= ~(std::uint64_t{1} << bin % 64);
    if (words_[bin / 64] == 0) summary_ &= ~(1u << bin / 64);
  }

  fit_links links_;
  std::uint32_t summary_ = 0;
  std::uint64_t words_[word_count] = {};
  std::uint32_t heads_[bin_count] = {};
};

template <std::size_t Largest>
std::size_t fit_bins<Largest>::check_invariants() const {
  std::size_t blocks = 0;
  for (unsigned bin = 0; bin < bin_count; ++bin) {
    ASHLAR_CHECK((words_[bin / 64] >> bin % 64 & 1) == (heads_[bin] != 0));  // (1)
    ASHLAR_CHECK((summary_ >> bin / 64 & 1) == (words_[bin / 64] != 0));     // (1)
    std::uint32_t previous = 0;
    for (std::uint32_t at = heads_[bin]; at != 0; at = links_.at(at)->link[0]) {
      const fit_block* const b = links_.at(at);
      ASHLAR_CHECK(!b->is_used());                 // (2)
      ASHLAR_CHECK(bin_of(b->granules()) == bin);  // (2)
      ASHLAR_CHECK(b->link[1] == previous);        // (3)
      previous = at;
      ++blocks;
    }
  }
  return blocks;
}

}  // namespace ashlar
