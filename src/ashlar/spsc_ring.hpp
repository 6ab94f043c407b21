// SPDX-License-Identifier: MIT
// For users: a bounded queue from one thread to one other.
#pragma once

#include "ashlar/container/spsc_ring.hpp"
