// SPDX-License-Identifier: MIT
// For users: a heap whose blocks may move, so that it can be compacted.
#pragma once

#include "ashlar/manager/offset/relocatable_heap.hpp"
