// SPDX-License-Identifier: MIT
// A block that goes back to its manager unless it is kept: what stands behind the exception safety
// of everything that makes objects in a fresh block.
#pragma once

#include <cstddef>

#include "ashlar/manager/memory.hpp"

namespace ashlar::detail {

class [[nodiscard]] block_guard {
 public:
  /// `b`, aligned to `alignment`, is of `from`.
  block_guard(memory from, block b, std::size_t alignment) noexcept
      : memory_(from), block_(b), alignment_(alignment) {}
  ~block_guard() {
    if (block_) memory_.deallocate(block_, alignment_);
  }
  block_guard(const block_guard&) = delete;
  block_guard& operator=(const block_guard&) = delete;

  void keep() noexcept { block_ = {}; }

 private:
  memory memory_;
  block block_;
  std::size_t alignment_;
};

}  // namespace ashlar::detail
