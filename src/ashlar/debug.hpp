// SPDX-License-Identifier: MIT
// Managers that watch others: the debug manager, and its compile-time form.
#pragma once

#include "ashlar/manager/check/arena_snapshot.hpp"  // IWYU pragma: export
#include "ashlar/manager/check/arena_watch.hpp"     // IWYU pragma: export
#include "ashlar/manager/check/debug_manager.hpp"   // IWYU pragma: export
#include "ashlar/manager/check/fail_on_nth.hpp"     // IWYU pragma: export
#include "ashlar/manager/check/guarded.hpp"         // IWYU pragma: export
#include "ashlar/manager/check/leak_scope.hpp"      // IWYU pragma: export
#include "ashlar/manager/unreleased.hpp"            // IWYU pragma: export
