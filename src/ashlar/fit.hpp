// SPDX-License-Identifier: MIT
// Heaps over one region: best_fit_manager, tlsf_manager, hybrid_manager.
#pragma once

#include "ashlar/manager/fit/fit_manager.hpp"
