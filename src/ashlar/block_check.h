/* SPDX-License-Identifier: MIT */
/* Asks the drop-in malloc to look at every block now. C11. */
#pragma once

#include "ashlar/replace/debug/block_check.h"
