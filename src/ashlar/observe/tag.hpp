// SPDX-License-Identifier: MIT
// The number of a tag. Tags group memory by purpose, as a tree: game/render/textures.
#pragma once

#include <cstdint>

namespace ashlar {

/// 0 is "untagged".
using tag_id = std::uint16_t;

namespace observe {

/// Tags that a process may have, "untagged" among them.
inline constexpr std::uint32_t most_tags = 4096;

}  // namespace observe

}  // namespace ashlar
