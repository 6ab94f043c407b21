// SPDX-License-Identifier: MIT
// The limits of the process heap: those of its options, or those of its control group.
#pragma once

#include "ashlar/heap/heap.hpp"
#include "ashlar/replace/options.hpp"

namespace ashlar::replace {

/// Returns the limits to start with. With a control group's limit, crossing nine tenths of it gives
/// idle memory back to the OS, before the kernel would have to act.
heap_limits system_limits(const options& o) noexcept;

}  // namespace ashlar::replace
