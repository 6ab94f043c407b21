// SPDX-License-Identifier: MIT
#include "ashlar/manager/pool/shared_shape.hpp"

#include <bit>

#include "ashlar/os/address_space.hpp"

namespace ashlar {

std::size_t shared_shape::slab_bytes() const noexcept {
  const std::size_t page = os::page_size();
  const std::size_t asked = slab_size == 0 ? slab_shape::good_slab_size(block)
                                           : slab_shape::slab_size_for(slab_size, page);
  return slab_shape::of(block, asked, page).slab_size;
}

// Slabs of all threads have one size, so none is smaller because the upstream is short of memory.
allocation shared_shape::get_from(pool_core& core) const noexcept {
  if (core.slab_bytes() == 0) return core.get_first(block, slab_bytes(), slab_bytes());
  void* const p = core.get_slow();
  return p != nullptr ? allocation::of(p, core.block_size()) : core.refusal();
}

}  // namespace ashlar
