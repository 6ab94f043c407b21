// SPDX-License-Identifier: MIT
#include "ashlar/replace/capture/captures.hpp"

#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "ashlar/observe/tracker.hpp"
#include "ashlar/os/clock.hpp"
#include "ashlar/os/diagnostic.hpp"
#include "ashlar/os/fork.hpp"
#include "ashlar/replace/capture/capture_signals.hpp"
#include "ashlar/replace/capture/capture_writer.hpp"
#include "ashlar/replace/capture/program_suppressions.hpp"
#include "ashlar/replace/capture/said_lines.hpp"
#include "ashlar/replace/capture/self_copy.hpp"
#include "ashlar/replace/capture/signal_stack.hpp"
#include "ashlar/replace/dead_stack.hpp"
#include "ashlar/replace/options.hpp"
#include "ashlar/replace/publisher.hpp"
#include "ashlar/structure/lock.hpp"

namespace ashlar::replace {

namespace {

using observe::capture_reason;

// After this many captures in a row the interval doubles, so that their number grows with the
// logarithm of time: a week at 10 s leaves about 350.
constexpr std::uint32_t captures_of_one_interval = 32;
constexpr std::uint32_t most_names_tried = 10'000;
constexpr timespec a_moment{.tv_sec = 0, .tv_nsec = 10'000'000};

constinit bool begun = false;
constinit pid_t home = 0;         // the process, unless this is a child of vfork
constinit bool is_child = false;  // made by fork
constinit std::atomic<std::uint32_t> last_number{0};
constinit std::atomic<bool> in_handler{false};
constinit std::atomic<bool> is_ending{false};
constinit std::atomic<bool> follows_forks{false};
constinit std::atomic<std::uint64_t> due_ns{0};  // of the next one of the interval; 0: none
constinit std::uint64_t interval_ns = 0;         // changed by whoever has taken `due_ns`
constinit std::uint32_t taken_of_interval = 0;

bool may_leave_captures() noexcept {
  if (!begun || ::getpid() != home) return false;
  const options& o = current_options();
  if (o.follow) return true;
  return o.snapshot[0] != 0 ? is_publishing() : !is_child;
}

os::line path_of_end() noexcept {
  os::line path;
  path.text(current_options().capture).text("/").decimal(static_cast<std::uint64_t>(home));
  path.text(".capture");
  return path;
}

// Opens the next numbered file of the folder.
int open_next(os::line& path, std::uint32_t& number) noexcept {
  for (std::uint32_t i = 0; i < most_names_tried; ++i) {
    number = last_number.fetch_add(1, std::memory_order_relaxed) + 1;
    path = {};
    path.text(current_options().capture).text("/").decimal(static_cast<std::uint64_t>(home));
    path.text(".").decimal(number).text(".capture");
    const int file = open_capture(path.c_str(), true);
    if (file >= 0 || errno != EEXIST) return file;
  }
  return -1;
}

bool say_failure(const os::line& path) noexcept {
  os::line message;
  os::write_line(message.text("ashlar: cannot write the capture to ").text(path.c_str()));
  return false;
}

// Right after the file was opened. Nothing is said of a folder that was the tool's and is gone:
// children may outlive it.
bool write_into_folder(const capture_plan& plan, const os::line& path) noexcept {
  if (plan.file < 0 && errno == ENOENT && current_options().follow_is_given) return false;
  return (plan.file >= 0 && write_capture(plan)) || say_failure(path);
}

bool write_next(capture_reason reason) noexcept {
  os::line path;
  capture_plan plan = {.reason = reason, .pid = home};
  plan.file = open_next(path, plan.number);
  return write_into_folder(plan, path);
}

void at_exit(int, void*) {
  note_exit();
  capture_at_end();
}

void after_fork_in_child() {
  capture_mutex().reset_after_fork();
  home = ::getpid();
  is_child = true;
  last_number.store(0, std::memory_order_relaxed);
  forget_lines();
  in_handler.store(false, std::memory_order_relaxed);
  is_ending.store(false, std::memory_order_relaxed);
  if (interval_ns != 0) due_ns.store(os::monotonic_ns() + interval_ns, std::memory_order_relaxed);
}

// Registered after the heap's and the tracker's, so that it runs before them: a capture that is
// being written takes their locks.
void follow_forks() noexcept {
  if (follows_forks.exchange(true, std::memory_order_relaxed)) return;
  (void)os::on_fork([] { capture_mutex().acquire_for_fork(); },
                    [] { capture_mutex().release_after_fork(); }, after_fork_in_child);
}

// --- in a copy of this process ---

struct copy_task {
  os::line path;
  capture_plan plan;
};

// First what can be had without any lock of a heap. Then all of it, into another file, which takes
// the first one's place if nothing goes wrong: the heap may be what the program died of.
bool write_in_copy(void* argument) {
  auto& task = *static_cast<copy_task*>(argument);
  os::line part = task.path;
  part.text(".part");
  task.plan.look_at_blocks = false;
  const bool counted = write_capture(task.plan);
  task.plan.look_at_blocks = true;
  task.plan.file = open_capture(part.c_str(), false);
  if (write_capture(task.plan) && ::rename(part.c_str(), task.path.c_str()) == 0) return true;
  ::unlink(part.c_str());
  return counted;
}

bool ends_program(capture_reason reason) noexcept {
  return reason == capture_reason::crash || reason == capture_reason::termination;
}

void write_from_handler(copy_task& task) noexcept {
  const bool ends = ends_program(task.plan.reason);
  if (ends) task.path = path_of_end();
  task.plan.file =
      ends ? open_capture(task.path.c_str(), false) : open_next(task.path, task.plan.number);
  if (task.plan.file < 0) return (void)write_into_folder(task.plan, task.path);
  bool written = run_in_copy(write_in_copy, &task);
  if (!written) {  // the copy may have died of the heap, with a part of the second file
    os::line part = task.path;
    (void)::unlink(part.text(".part").c_str());
  }
  struct stat status {};
  const bool is_empty = ::fstat(task.plan.file, &status) == 0 && status.st_size == 0;
  // No copy can be made: what takes no lock of a heap, if this thread holds none of any.
  if (!written && is_empty && locks_of_this_thread == 0) {
    task.plan.look_at_blocks = false;
    written = write_capture(task.plan);
  } else {
    ::close(task.plan.file);
  }
  if (!written && is_empty) (void)say_failure(task.path);
}

}  // namespace

void begin_captures() noexcept {
  const options& o = current_options();
  if (o.capture[0] == 0 || begun) return;
  home = ::getpid();
  begun = true;
  follow_forks();
  keep_lines();
  ask_for_suppressions();
  // Handlers run in reverse order; this one is registered before main, and so comes last.
  (void)::on_exit(at_exit, nullptr);
  (void)::at_quick_exit([] { capture_at_end(); });
  if (o.capture_every != 0) {
    interval_ns = o.capture_every * 1'000'000;
    due_ns.store(os::monotonic_ns() + interval_ns, std::memory_order_relaxed);
    look_around_at_slow_paths();
  }
  set_capture_signals();
}

void end_captures() noexcept {
  begun = false;
  take_signal_stack_back();
  release_copies();
}

// A handler that ends the process may have interrupted this very thread under a lock.
void capture_at_end() noexcept {
  // A signal ends it: that is how the program ends, and nothing comes before it.
  while (is_ending.load(std::memory_order_relaxed)) ::nanosleep(&a_moment, nullptr);
  if (locks_of_this_thread != 0 || !may_leave_captures()) return;
  const os::line path = path_of_end();
  capture_plan plan = {.reason = capture_reason::exit, .pid = home};
  plan.file = open_capture(path.c_str(), false);
  (void)write_into_folder(plan, path);
}

bool capture_now(const char* path) noexcept {
  if (observe::process_tracker().sites.size() == 0) return false;  // nothing was ever tracked
  const int saved = errno;
  os::line name;
  bool written = false;
  if (path != nullptr) {
    ask_for_suppressions();
    follow_forks();
    name.text(path);
    const capture_plan plan = {.file = open_capture(path, false), .pid = ::getpid()};
    written = (plan.file >= 0 && write_capture(plan)) || say_failure(name);
  } else if (may_leave_captures()) {
    written = write_next(capture_reason::request);
  }
  errno = saved;
  return written;
}

void serve_captures() noexcept {
  if (wants_signal_stacks()) give_signal_stack();
  std::uint64_t due = due_ns.load(std::memory_order_relaxed);
  if (due == 0 || os::coarse_ns() < due || locks_of_this_thread != 0) return;
  // acquire, release below: who comes next sees the interval as it was left. 0: somebody is at it.
  if (!due_ns.compare_exchange_strong(due, 0, std::memory_order_acquire)) return;
  const int saved = errno;
  if (may_leave_captures()) (void)write_next(capture_reason::interval);
  if (++taken_of_interval % captures_of_one_interval == 0) interval_ns *= 2;
  // From its end on: the program does something in between, however long a capture takes.
  due_ns.store(os::monotonic_ns() + interval_ns, std::memory_order_release);
  errno = saved;
}

void capture_from_handler(capture_reason reason, int signal, const void* interrupted) noexcept {
  if (!may_leave_captures()) return;
  const bool ends = ends_program(reason);
  if (ends && is_ending.exchange(true, std::memory_order_relaxed)) {
    // Another thread ends it already: this one waits, for its end would be that of the other.
    while (in_handler.load(std::memory_order_relaxed)) ::nanosleep(&a_moment, nullptr);
    return;
  }
  // acquire, release below: one at a time.
  while (in_handler.exchange(true, std::memory_order_acquire)) {
    if (!ends) return;
    ::nanosleep(&a_moment, nullptr);
  }
  copy_task task;
  task.plan = {.reason = reason,
               .signal = static_cast<std::uint32_t>(signal),
               .pid = home,
               .interrupted = interrupted};
  write_from_handler(task);
  in_handler.store(false, std::memory_order_release);
  if (ends) is_ending.store(false, std::memory_order_relaxed);  // the program may survive it
}

}  // namespace ashlar::replace
