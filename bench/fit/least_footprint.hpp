// SPDX-License-Identifier: MIT
// What a workload costs any manager that leaves blocks where they are.
#pragma once

#include <cstddef>

#include "trace.hpp"

namespace bench {

/// Returns a footprint, in bytes with headers, that no manager undercuts which neither moves blocks
/// nor knows which of them ends next. It looks at one thing alone: of what was allocated before the
/// first free, a block that has ended between two that have not leaves a hole where nothing larger
/// than the largest of them fits. So at any moment what is left of them, these holes, and the later
/// blocks that are too large for the holes lie beside each other.
///
/// The first blocks are taken to lie in the order in which they came. Where blocks end in random
/// order, any other order without gaps has as many such holes on average: each block's neighbours
/// have the same chances to be there still.
/// Requires: no reallocation in the trace.
std::size_t least_footprint(const trace& t);

}  // namespace bench
