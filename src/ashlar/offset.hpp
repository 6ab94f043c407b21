// SPDX-License-Identifier: MIT
// For users: ranges of a space that the CPU need not touch (GPU heaps, files, shared memory).
#pragma once

#include "ashlar/manager/offset/offset_manager.hpp"
