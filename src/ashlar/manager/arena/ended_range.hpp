// SPDX-License-Identifier: MIT
// What an arena tells the tracker of bytes that it takes back.
#pragma once

#include "ashlar/observe/tracker.hpp"

namespace ashlar::detail {

/// Ends the blocks that containers took of these bytes: from the arena, or from what stands upon
/// it. Cost: a load, unless there are blocks inside managers anywhere.
inline void inner_blocks_ended_in(const void* begin, const void* end) noexcept {
  observe::inner_table& known = observe::process_tracker().inner;
  if (known.has_blocks()) [[unlikely]]
    known.end_between(begin, end);
}

}  // namespace ashlar::detail
