// SPDX-License-Identifier: MIT
// Buckets: blocks of many sizes, each from the pool of its size class.
#pragma once

#include "ashlar/manager/pool/buckets.hpp"  // IWYU pragma: export
