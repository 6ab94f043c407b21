// SPDX-License-Identifier: MIT
// What the pools for many threads know of their blocks from the beginning: shapes are not learned,
// since a thread may ask for a block size while another one learns it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/base/bits.hpp"
#include "ashlar/manager/memory.hpp"
#include "ashlar/manager/pool/pool_core.hpp"

namespace ashlar {

struct shared_pool_options {
  memory upstream{};            ///< where slabs come from; none: the OS. Called under a lock
  std::size_t page_size = 0;    ///< bytes of a slab, at least an OS page; 0: 64 KiB
  bool cache_line = false;      ///< blocks start at cache lines and share none
  std::uint32_t spare = 1;      ///< slabs without live blocks that are kept (by each thread)
  std::uint32_t magazine = 64;  ///< blocks that a thread keeps; thread_cached_pool alone
  const char* name = nullptr;
};

/// The blocks of a pool for many threads.
struct ASHLAR_EXPORT shared_shape {
  layout block;               // rounded up, as slab_shape does
  std::size_t slab_size = 0;  // asked for; 0: a good one
  status why_not = status::success;

  constexpr shared_shape(layout wanted, const shared_pool_options& options)
      : slab_size(options.page_size) {
    constexpr std::size_t line = 64;
    if (options.cache_line && wanted.alignment < line) wanted.alignment = line;
    if (!is_power_of_two(wanted.alignment) || wanted.alignment > pool_core::max_block)
      why_not = status::bad_alignment;
    else if (wanted.size == 0 || wanted.size > pool_core::max_block)
      why_not = status::too_large;
    else
      block = slab_shape::block_for(wanted);
  }

  bool serves(layout request) const {
    return request.size <= block.size && request.alignment - 1 < block.alignment &&
           (request.alignment & (request.alignment - 1)) == 0;
  }
  /// Returns why a request is not served, or success.
  status refusal(layout request) const noexcept {
    if (const status why = fault_of(request); why != status::success) return why;
    if (why_not != status::success) return why_not;
    if (request.size > block.size) return status::too_large;
    return request.alignment > block.alignment ? status::bad_alignment : status::success;
  }
  /// Returns the size of all slabs.
  std::size_t slab_bytes() const noexcept;
  /// Returns a block of a core that has none at hand. Errors: the upstream's.
  allocation get_from(pool_core& core) const noexcept;
};

}  // namespace ashlar
