// SPDX-License-Identifier: MIT
// Mapping at a multiple of an alignment, shared by the files of os/posix/. Private to os/.
#pragma once

#include <cstddef>

#include "ashlar/os/address_space.hpp"

namespace ashlar::os::detail {

/// Maps `size` private anonymous bytes at a multiple of `alignment`. Counts nothing but the calls,
/// and surplus that the system did not take back.
os_result<range> map_aligned(std::size_t size, std::size_t alignment, int protection,
                             int flags) noexcept;

/// Unmaps. Counts nothing but the call. Errors: ENOMEM if no mapping is left to split.
os_error unmap(range memory) noexcept;

}  // namespace ashlar::os::detail
