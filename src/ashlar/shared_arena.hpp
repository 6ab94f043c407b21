// SPDX-License-Identifier: MIT
// An arena that many threads push onto.
#pragma once

#include "ashlar/manager/arena/shared_arena.hpp"
