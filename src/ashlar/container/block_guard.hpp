// SPDX-License-Identifier: MIT
// A block that goes back to its manager unless it is kept: what stands behind the exception safety
// of everything that makes objects in a fresh block. And how such a block is asked for.
#pragma once

#include <cstddef>

#include "ashlar/manager/class_tag.hpp"
#include "ashlar/manager/inner_blocks.hpp"

namespace ashlar::detail {

/// Returns a block for objects of a class, or the reason why not.
template <class T>
allocation try_obtain_as(memory from, layout request) noexcept {
  const class_tag_scope<T> counted;
  return inner_blocks::allocate(from, request);
}

class [[nodiscard]] block_guard {
 public:
  /// `b`, aligned to `alignment`, is of `from`.
  block_guard(memory from, block b, std::size_t alignment) noexcept
      : memory_(from), block_(b), alignment_(alignment) {}
  ~block_guard() {
    if (block_) inner_blocks::deallocate(memory_, block_, alignment_);
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
