// SPDX-License-Identifier: MIT
// vm_vector: a vector on reserved address space, whose elements never move.
#pragma once

#include "ashlar/container/vm_vector.hpp"
