// SPDX-License-Identifier: MIT
// std_allocator: managers for the standard containers.
#pragma once

#include "ashlar/container/std_allocator.hpp"
