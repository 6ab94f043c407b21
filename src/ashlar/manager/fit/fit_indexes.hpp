// SPDX-License-Identifier: MIT
// The indexes of the bounded and of the mixed fit manager, made of bins and tree.
//
// TLSF: bins for all sizes. Time is bounded whatever happened before.
// Hybrid: bins up to 64 KiB, where blocks are many and each is worth little; the tree above, where
// they are few and a bad fit costs much. A request that no bin serves is served from the tree.
#pragma once

#include "ashlar/manager/fit/fit_bins.hpp"
#include "ashlar/manager/fit/fit_tree.hpp"

namespace ashlar {

class ASHLAR_EXPORT fit_tlsf : public fit_bins<fit_block::reach> {
 public:
  static constexpr const char* kind_name = "tlsf";
  using fit_bins::fit_bins;
};

class ASHLAR_EXPORT fit_hybrid {
 public:
  static constexpr const char* kind_name = "hybrid";
  /// From here on blocks are in the tree.
  static constexpr std::size_t large = 64_KiB;

  constexpr fit_hybrid() = default;
  explicit fit_hybrid(fit_links links) : bins_(links), tree_(links) {}

  void insert(fit_block* b) { is_large(b) ? tree_.insert(b) : bins_.insert(b); }
  void remove(fit_block* b) { is_large(b) ? tree_.remove(b) : bins_.remove(b); }

  fit_block* find(std::size_t size) const {
    if (fit_block* const b = bins_.find(size)) [[likely]]
      return b;
    return tree_.find(size);
  }
  fit_block* find_next(fit_block* b) const {
    return is_large(b) ? tree_.find_next(b) : bins_.find_next(b);
  }
  fit_block* find_larger(fit_block* b) const {
    if (is_large(b)) return tree_.find_larger(b);
    fit_block* const larger = bins_.find_larger(b);
    return larger != nullptr ? larger : tree_.find(large);
  }

  std::size_t check_invariants() const {
    return bins_.check_invariants() + tree_.check_invariants();
  }

 private:
  static bool is_large(const fit_block* b) { return b->granules() >= large / fit_block::granule; }

  fit_bins<large - fit_block::granule> bins_;
  fit_tree tree_;
};

}  // namespace ashlar
