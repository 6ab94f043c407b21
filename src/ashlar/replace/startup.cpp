// SPDX-License-Identifier: MIT
// What the drop-in does when it is loaded and when the program ends.
//
// The heap may have served the loader and libc before, with standard options: it needs no start.
#include <cerrno>
#include <cstdlib>

#include "ashlar/os/diagnostic.hpp"
#include "ashlar/os/environment.hpp"
#include "ashlar/os/fault_injection.hpp"
#include "ashlar/os/process.hpp"
#include "ashlar/replace/capture/captures.hpp"
#include "ashlar/replace/debug/event_log.hpp"
#include "ashlar/replace/debug/guarded_heap.hpp"
#include "ashlar/replace/debug/page_trap.hpp"
#include "ashlar/replace/options.hpp"
#include "ashlar/replace/process_heap.hpp"
#include "ashlar/replace/publisher.hpp"
#include "ashlar/replace/release_at_exit.hpp"
#include "ashlar/replace/system_limits.hpp"
#include "ashlar/replace/watched_heap.hpp"

namespace ashlar::replace {

namespace {

void check_at_exit(int, void*) { (void)check_all_blocks(); }

void begin_guarding_blocks(const options& o) {
  const debug_settings& settings = o.debug;
  // With a folder for snapshots it says whose children are followed, after exec too.
  if (settings.log && (o.follow || o.snapshot[0] == 0 || is_publishing()))
    begin_log(o.log, o.log_size, o.follow);
  begin_guarding(settings);
  if (settings.protect != page_protection::off) set_page_trap();
  // Registered before the capture, so that it runs after it: what it finds may end the program.
  (void)::on_exit(check_at_exit, nullptr);
}

void begin_tracking(const options& o) {
  const auto depth = static_cast<std::uint32_t>(o.depth < 64 ? o.depth : 64);
  const observe::track_settings settings = {.level = o.track,
                                            .depth = depth,
                                            .exact_peaks = o.exact_peaks,
                                            .sample_bytes = o.sample,
                                            .sample_up_to = o.sample_up_to};
  if (o.track == observe::track_level::debug) begin_guarding_blocks(o);
  if (!start_tracking(settings)) {
    os::line message;
    os::write_line(message.text("ashlar: no memory for tracking"));
    return;
  }
  begin_captures();
}

// Runs before the program's own constructors.
__attribute__((constructor(101))) void on_load() {
  const int saved = errno;  // which programs may expect to be zero when they start
  (void)bound_local();      // the thread-exit key and the fork handlers want to be early
  observe::process_tracker().begin = start_tracking;  // for programs that begin by themselves
  process_heap.set_concurrency(static_cast<std::uint32_t>(os::concurrency()));
  options o;
  const char* const text = os::environment_variable("ASHLAR_OPTIONS");
  if (text != nullptr && !os::is_privileged()) parse_options(text, o);
  set_current_options(o);
  set_fault_policy(o.faults);
  process_heap.set_limits(system_limits(o));
  if (o.fail_at != 0) os::fail_nth_call(o.fail_at, o.fail_every);
  if (o.snapshot[0] != 0) start_publishing(o.snapshot);
  // What is registered first comes last when the program ends.
  if (o.release_at_exit) release_when_all_is_over();
  if (o.track != observe::track_level::off) begin_tracking(o);
  errno = saved;
}

__attribute__((destructor(101))) void on_unload() {
  publish_at_exit();
  end_log();
}

}  // namespace

}  // namespace ashlar::replace
