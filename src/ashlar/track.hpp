// SPDX-License-Identifier: MIT
// Tracking seen from inside the program: switch it on, ask what was counted, mark the time, write
// captures.
#pragma once

#include "ashlar/manager/track.hpp"
#include "ashlar/replace/capture/capture.hpp"
