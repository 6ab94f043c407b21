// SPDX-License-Identifier: MIT
// A scope over any manager: what is left at its end is freed.
#pragma once

#include "ashlar/manager/arena/scoped_manager.hpp"
