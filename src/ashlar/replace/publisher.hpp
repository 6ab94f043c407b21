// SPDX-License-Identifier: MIT
// Publishes this process's snapshot (observe/snapshot.hpp) in a file that another process reads.
//
// Off unless the option `snapshot` names a folder. The record is renewed at slow operations, at
// most every 100 ms and at most a fiftieth of the time, and once more when the program ends.
#pragma once

#include "ashlar/base/macros.hpp"
#include "ashlar/base/relaxed.hpp"
#include "ashlar/observe/snapshot.hpp"

namespace ashlar::replace {

/// Creates FOLDER/PID.ashlar and writes the first record. Errors: one line on stderr.
void start_publishing(const char* folder) noexcept;

/// Whether the record of this very process is open.
bool is_publishing() noexcept;

/// Whether slow paths have something to look after: a record to be published, a capture to be made.
extern constinit bool attentive;
/// Makes it so from now on.
inline void look_around_at_slow_paths() noexcept { store_relaxed(attentive, true); }
void look_around() noexcept;

/// Called on slow paths. Cost when off: one load.
ASHLAR_FORCE_INLINE void publish_now_and_then() noexcept {
  if (load_relaxed(attentive)) [[unlikely]]
    look_around();
}

/// Publishes the last record. May be called in a signal handler, as `_exit` may.
void publish_at_exit() noexcept;

/// Fills a record with everything that is known about this process.
void take_snapshot(observe::snapshot& s, observe::process_state state) noexcept;

}  // namespace ashlar::replace
