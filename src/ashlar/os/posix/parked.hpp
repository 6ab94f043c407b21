// SPDX-License-Identifier: MIT
// Ranges that the system refused to unmap, kept until it takes them. Private to os/.
//
// Unmapping the middle of a mapping splits it in two, and a process may have no mapping left for
// that. Such a range stays reserved, without pages, and is offered again at the next call that
// reserves or releases.
#pragma once

#include <cstddef>

#include "ashlar/os/address_space.hpp"

namespace ashlar::os::detail {

/// Keeps a range, which stays counted as it is. With 256 ranges kept already it is lost.
void park(range memory, std::size_t committed) noexcept;

/// Offers the kept ranges to the system again. Cost with none kept: one load.
void retry_parked() noexcept;

}  // namespace ashlar::os::detail
