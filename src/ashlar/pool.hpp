// SPDX-License-Identifier: MIT
// Pools: blocks of one size; objects of one type, by pointer or by handle; pools for many threads.
#pragma once

#include "ashlar/manager/pool/handle_pool.hpp"         // IWYU pragma: export
#include "ashlar/manager/pool/pool.hpp"                // IWYU pragma: export
#include "ashlar/manager/pool/pool_of.hpp"             // IWYU pragma: export
#include "ashlar/manager/pool/thread_cached_pool.hpp"  // IWYU pragma: export
#include "ashlar/manager/pool/thread_pools.hpp"        // IWYU pragma: export
