// SPDX-License-Identifier: MIT
// Managers made of managers, as values.
#pragma once

#include "ashlar/manager/check/fail_on_nth.hpp"      // IWYU pragma: export
#include "ashlar/manager/compose/affix.hpp"          // IWYU pragma: export
#include "ashlar/manager/compose/aligned.hpp"        // IWYU pragma: export
#include "ashlar/manager/compose/bucketize.hpp"      // IWYU pragma: export
#include "ashlar/manager/compose/cascade.hpp"        // IWYU pragma: export
#include "ashlar/manager/compose/fallback.hpp"       // IWYU pragma: export
#include "ashlar/manager/compose/limited.hpp"        // IWYU pragma: export
#include "ashlar/manager/compose/locked.hpp"         // IWYU pragma: export
#include "ashlar/manager/compose/segregate.hpp"      // IWYU pragma: export
#include "ashlar/manager/compose/thread_cached.hpp"  // IWYU pragma: export
#include "ashlar/manager/compose/zeroing.hpp"        // IWYU pragma: export
