/* SPDX-License-Identifier: MIT */
/* Tables of C functions through which a user gives ashlar memory. C11. */
#pragma once

#include "ashlar/manager/source/user_memory.h"
