// SPDX-License-Identifier: MIT
// Scratch memory of the calling thread, for the length of a scope.
#pragma once

#include "ashlar/manager/arena/scratch_scope.hpp"
