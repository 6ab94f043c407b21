// SPDX-License-Identifier: MIT
// The fit managers: each index over an OS manager, over a block, over a block and further ones.
#include "ashlar/fit.hpp"

#include <cstddef>
#include <span>
#include <vector>

#include "conformance/conformance.hpp"

namespace {

using namespace ashlar::literals;

template <class Manager>
struct over_os {
  static constexpr std::size_t largest = 256_KiB;
  explicit over_os(ashlar::memory upstream)
      : fit_({.os = &upstream.os(), .reserve = 256_MiB, .commit_step = 4_KiB}) {}
  ashlar::manager& get() { return fit_; }
  bool is_well() {
    fit_.check_invariants();
    return true;
  }
  Manager fit_;
};

/// It cannot give back the block it stands on, so it uses no upstream.
template <class Manager>
struct over_block {
  static constexpr std::size_t largest = 32_KiB;
  static constexpr bool uses_upstream = false;
  explicit over_block(ashlar::memory) : bytes_(8_MiB, std::byte{0xa5}), fit_(bytes_) {}
  ashlar::manager& get() { return fit_; }
  bool is_well() {
    fit_.check_invariants();
    return true;
  }
  std::vector<std::byte> bytes_;
  Manager fit_;
};

/// First, for memory that a manager stands on outlives it.
struct more_blocks {
  std::vector<std::byte> more_{6_MiB, std::byte{0x5a}};
};

/// Most of it in blocks that were added, at odd places.
template <class Manager>
struct over_blocks : more_blocks, over_block<Manager> {
  explicit over_blocks(ashlar::memory upstream) : over_block<Manager>(upstream) {
    const std::span<std::byte> all(more_);
    for (std::size_t i = 0; i < 6; ++i) this->fit_.add(all.subspan(i * 1_MiB + i, 1_MiB - i));
  }
};

ASHLAR_CONFORMS(best_fit_over_os, over_os<ashlar::best_fit_manager>);
ASHLAR_CONFORMS(best_fit_over_block, over_block<ashlar::best_fit_manager>);
ASHLAR_CONFORMS(best_fit_over_blocks, over_blocks<ashlar::best_fit_manager>);
ASHLAR_CONFORMS(tlsf_over_os, over_os<ashlar::tlsf_manager>);
ASHLAR_CONFORMS(tlsf_over_block, over_block<ashlar::tlsf_manager>);
ASHLAR_CONFORMS(tlsf_over_blocks, over_blocks<ashlar::tlsf_manager>);
ASHLAR_CONFORMS(hybrid_over_os, over_os<ashlar::hybrid_manager>);
ASHLAR_CONFORMS(hybrid_over_block, over_block<ashlar::hybrid_manager>);
ASHLAR_CONFORMS(hybrid_over_blocks, over_blocks<ashlar::hybrid_manager>);

}  // namespace
