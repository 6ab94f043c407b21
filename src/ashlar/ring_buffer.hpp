// SPDX-License-Identifier: MIT
// ring_buffer: bytes first in, first out, every span contiguous.
#pragma once

#include "ashlar/container/ring_buffer.hpp"
