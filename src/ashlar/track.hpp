// SPDX-License-Identifier: MIT
// Tracking seen from inside the program: switch it on, ask what was counted, mark the time.
#pragma once

#include "ashlar/manager/track.hpp"
