// SPDX-License-Identifier: MIT
// Arenas: blocks one behind the other, freed all at once or back to a mark.
#pragma once

#include "ashlar/manager/arena/arena.hpp"
#include "ashlar/manager/arena/arena_scope.hpp"
