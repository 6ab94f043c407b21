// SPDX-License-Identifier: MIT
// vector: std::vector's interface over any manager; growth policies.
#pragma once

#include "ashlar/container/growth.hpp"
#include "ashlar/container/vector.hpp"
