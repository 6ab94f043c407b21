// SPDX-License-Identifier: MIT
// Arenas that take turns, one for each frame.
#pragma once

#include "ashlar/manager/arena/frame_arena.hpp"
