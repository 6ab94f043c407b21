// SPDX-License-Identifier: MIT
#include "ashlar/replace/capture/capture.h"

#include "ashlar/base/macros.hpp"
#include "ashlar/observe/tracker.hpp"
#include "ashlar/replace/capture/captures.hpp"

extern "C" {

ASHLAR_EXPORT int ashlar_write_capture(const char* path) {
  return ashlar::replace::capture_now(path) ? 1 : 0;
}

ASHLAR_EXPORT void ashlar_mark_time(const char* name) {
  if (name != nullptr) ashlar::observe::process_tracker().mark(name);
}

ASHLAR_EXPORT void ashlar_next_frame() { ashlar::observe::process_tracker().begin_frame(); }

}  // extern "C"
