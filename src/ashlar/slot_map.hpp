// SPDX-License-Identifier: MIT
// For users: elements side by side, named by handles that know when their element is gone.
#pragma once

#include "ashlar/container/slot_map.hpp"
