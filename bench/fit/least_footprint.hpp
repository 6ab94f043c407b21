// SPDX-License-Identifier: MIT
// What a workload costs any manager that leaves blocks where they are.
#pragma once

#include <cstddef>

#include "trace.hpp"

namespace bench {

/// Returns a footprint that no manager undercuts which moves no block and lays what was allocated
/// before the first free side by side, a header of 8 bytes to each, in the order in which it came.
/// It looks at one thing alone: a block of these that has ended between two that have not leaves
/// a hole where nothing larger than the largest of them fits. So at any moment what is left of
/// them, these holes, and the later blocks that are too large for the holes lie beside each other.
///
/// Where blocks end in random order, and nobody knows in which, it is the mean over all other
/// orders too: a block's neighbours are still there with the same chances, whichever they are. Gaps
/// that are left on purpose are not thought of. Requires: no reallocation in the trace.
std::size_t least_footprint(const trace& t);

}  // namespace bench
