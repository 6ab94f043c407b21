// SPDX-License-Identifier: MIT
// small_vector: a vector whose first elements lie in itself.
#pragma once

#include "ashlar/container/small_vector.hpp"
