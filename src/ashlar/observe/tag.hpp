// SPDX-License-Identifier: MIT
// The number of a tag. Tags group memory by purpose, as a tree: game/render/textures.
#pragma once

#include <cstdint>

namespace ashlar {

/// 0 is "untagged".
using tag_id = std::uint16_t;

}  // namespace ashlar
