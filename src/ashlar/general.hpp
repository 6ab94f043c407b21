// SPDX-License-Identifier: MIT
// The general manager: every size, routed by how large it is, over any OS manager.
#pragma once

#include "ashlar/manager/pool/general_manager.hpp"  // IWYU pragma: export
