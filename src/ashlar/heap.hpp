// SPDX-License-Identifier: MIT
// The general heap: any size, any alignment, any thread; as many instances as you like.
#pragma once

#include "ashlar/heap/heap.hpp"
