// SPDX-License-Identifier: MIT
// Blocks that are freed last first, which is checked.
#pragma once

#include "ashlar/manager/arena/stack_manager.hpp"
