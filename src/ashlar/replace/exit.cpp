// SPDX-License-Identifier: MIT
// _exit and _Exit: programs that end this way run no destructors, so the last record is published
// here.
#include <sys/syscall.h>
#include <unistd.h>

#include "ashlar/base/macros.hpp"
#include "ashlar/replace/capture/captures.hpp"
#include "ashlar/replace/debug/event_log.hpp"
#include "ashlar/replace/debug/guarded_heap.hpp"
#include "ashlar/replace/publisher.hpp"

extern "C" {

[[noreturn]] ASHLAR_EXPORT void _exit(int status) {
  ashlar::replace::publish_at_exit();
  ashlar::replace::capture_at_end();
  (void)ashlar::replace::check_all_blocks();
  ashlar::replace::end_log();
  while (true) ::syscall(SYS_exit_group, status);
}

[[noreturn]] ASHLAR_EXPORT void _Exit(int status) noexcept { _exit(status); }

}  // extern "C"
