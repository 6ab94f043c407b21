// SPDX-License-Identifier: MIT
// For users: a heap whose blocks may move, so that it can be compacted.
#pragma once

#include "ashlar/manager/fit/relocatable_heap.hpp"
