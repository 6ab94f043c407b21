// SPDX-License-Identifier: MIT
// std::pmr both ways: memory_resource over a manager, pmr_manager over a resource.
#pragma once

#include "ashlar/container/pmr.hpp"
