// SPDX-License-Identifier: MIT
// Objects in a manager's memory: make, destroy, unique, make_array, make_joint.
#pragma once

#include "ashlar/container/joint.hpp"
#include "ashlar/container/unique.hpp"
