// SPDX-License-Identifier: MIT
// Captures and marks in time, asked for by the program: C functions of the drop-in malloc.
#pragma once

#include "ashlar/replace/capture/capture.h"
