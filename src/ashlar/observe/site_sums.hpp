// SPDX-License-Identifier: MIT
// Blocks summed up by the site that made them, for as many sites as there is room for: for reports
// of what lives, which must not allocate.
#pragma once

#include <cstddef>

#include "ashlar/observe/table/site_table.hpp"

namespace ashlar::observe {

/// `Block`: what is kept of the first block of each site.
template <class Block>
class site_sums {
 public:
  static constexpr std::size_t most = 64;

  struct sum {
    site_id site = site_table::none;
    std::size_t blocks = 0;
    std::size_t bytes = 0;
    Block first = {};
  };

  void add(site_id site, std::size_t bytes, const Block& block) {
    std::size_t i = 0;
    while (i < count_ && sums_[i].site != site) ++i;
    ++blocks_;
    bytes_ += bytes;
    if (i == most) {
      ++others_;
      return;
    }
    if (i == count_) sums_[count_++] = {site, 0, 0, block};
    ++sums_[i].blocks;
    sums_[i].bytes += bytes;
  }

  /// Returns the sum with the most bytes, and forgets it. Requires: `!empty()`.
  sum take_largest() {
    sum* largest = sums_;
    for (sum* s = sums_; s != sums_ + count_; ++s)
      if (s->bytes > largest->bytes) largest = s;
    const sum taken = *largest;
    for (--count_; largest != sums_ + count_; ++largest) *largest = largest[1];
    return taken;
  }

  bool empty() const { return count_ == 0; }
  std::size_t blocks() const { return blocks_; }  ///< of all sites
  std::size_t bytes() const { return bytes_; }
  std::size_t others() const { return others_; }  ///< blocks of sites that found no room

 private:
  sum sums_[most] = {};
  std::size_t count_ = 0;
  std::size_t blocks_ = 0;
  std::size_t bytes_ = 0;
  std::size_t others_ = 0;
};

}  // namespace ashlar::observe
