// SPDX-License-Identifier: MIT
#include "ashlar/replace/publisher.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "ashlar/base/build_config.hpp"
#include "ashlar/heap/metadata_store.hpp"
#include "ashlar/os/clock.hpp"
#include "ashlar/os/diagnostic.hpp"
#include "ashlar/os/file.hpp"
#include "ashlar/os/fork.hpp"
#include "ashlar/os/process.hpp"
#include "ashlar/os/thread.hpp"
#include "ashlar/replace/capture/captures.hpp"
#include "ashlar/replace/options.hpp"
#include "ashlar/replace/process_heap.hpp"
#include "ashlar/replace/watched_heap.hpp"
#include "ashlar/structure/lock.hpp"

namespace ashlar::replace {

constinit bool attentive = false;

namespace {

constinit bool publishing = false;

constexpr std::uint64_t shortest_interval_ns = 100'000'000;
constexpr std::uint64_t most_share = 50;  // one part in fifty of the time goes into records

constinit lock mutex;
constinit observe::snapshot* record = nullptr;
constinit pid_t recorded = 0;  // the process that the record is of
constinit observe::process_state latest_state = observe::process_state::running;
constinit std::uint64_t start_ns = 0;
constinit std::uint64_t due_ns = 0;

void open_record(const char* folder) {
  const os::cancellation_hold hold;
  os::line path;
  path.text(folder).text("/").decimal(static_cast<std::uint64_t>(::getpid())).text(".ashlar");
  const options& o = current_options();
  const int create = o.follow ? O_CREAT : 0;
  const int file = ::open(path.c_str(), O_RDWR | create | O_CLOEXEC | O_NOFOLLOW, 0600);
  // Not asked for, or not any more: the folder of a tool that has ended.
  if (file < 0 && errno == ENOENT && (!o.follow || o.follow_is_given)) return;
  void* memory = MAP_FAILED;
  if (file >= 0) {
    // The room is taken at once: where a full file system has none for a page of the mapping, the
    // first write to it would be the program's end.
    if (sizeof(observe::snapshot) <= os::file_size_limit() &&
        ::posix_fallocate(file, 0, sizeof(observe::snapshot)) == 0)
      memory =
          ::mmap(nullptr, sizeof(observe::snapshot), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    ::close(file);
  }
  if (memory == MAP_FAILED) {
    os::line message;
    message.text("ashlar: cannot publish to ").text(path.c_str());
    os::write_line(message);
    return;
  }
  record = static_cast<observe::snapshot*>(memory);
  recorded = ::getpid();
}

void copy_text(char* target, std::size_t capacity, const char* text) {
  std::size_t n = std::strlen(text);
  if (n >= capacity) n = capacity - 1;
  std::memcpy(target, text, n);
  target[n] = 0;
}

std::uint64_t nanoseconds(const timeval& t) {
  return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(t.tv_usec) * 1000;
}

// RssFile + RssShmem: the third field of statm.
std::uint64_t file_bytes() {
  char text[128];
  if (!os::read_text_file("/proc/self/statm", text, sizeof text).ok()) return 0;
  std::uint64_t value = 0;
  const char* next = text;
  for (int i = 0; i < 3; ++i) {
    next = os::parse_decimal(next, value);
    while (*next == ' ') ++next;
  }
  return value * os::page_size();
}

// The record is written aside first, so that readers find it closed for a moment only.
void publish() noexcept {
  auto* const fresh =
      static_cast<observe::snapshot*>(process_metadata.allocate(sizeof(observe::snapshot)));
  if (fresh == nullptr) return;
  const std::uint64_t began = os::monotonic_ns();
  take_snapshot(*fresh, latest_state);
  const std::uint32_t sequence = __atomic_load_n(&record->sequence, __ATOMIC_RELAXED);
  fresh->sequence = sequence + 1;
  // A seqlock: odd before the first change, even after the last (release: not before them).
  __atomic_store_n(&record->sequence, sequence + 1, __ATOMIC_RELAXED);
  __atomic_thread_fence(__ATOMIC_RELEASE);
  std::memcpy(record, fresh, sizeof(*record));
  __atomic_store_n(&record->sequence, sequence + 2, __ATOMIC_RELEASE);
  process_metadata.deallocate(fresh, sizeof(observe::snapshot));
  const std::uint64_t now = os::monotonic_ns();
  const std::uint64_t pause = (now - began) * most_share;
  store_relaxed(due_ns, now + (pause > shortest_interval_ns ? pause : shortest_interval_ns));
}

// A forked child shares the mapping with its parent: it must let go of it.
void after_fork_in_child() {
  mutex.reset_after_fork();
  if (record == nullptr) return;
  ::munmap(record, sizeof(*record));
  record = nullptr;
  publishing = false;
  latest_state = observe::process_state::running;
  if (!current_options().follow) return;
  open_record(current_options().snapshot);
  start_ns = os::monotonic_ns();
  publishing = record != nullptr;
}

// A child of vfork shares this memory with its parent, and is not what the record is of.
bool is_of_this_process() { return recorded == ::getpid(); }

void publish_if_due() noexcept {
  if (os::coarse_ns() < load_relaxed(due_ns)) return;
  if (!is_of_this_process() || !mutex.try_acquire()) return;
  if (record != nullptr) publish();
  mutex.release();
}

}  // namespace

void start_publishing(const char* folder) noexcept {
  lock_guard guard(mutex);
  start_ns = os::monotonic_ns();
  open_record(folder);
  if (record == nullptr) return;
  (void)os::on_fork([] { mutex.acquire_for_fork(); }, [] { mutex.release_after_fork(); },
                    after_fork_in_child);
  publish();
  publishing = true;
  look_around_at_slow_paths();
  (void)::at_quick_exit(publish_at_exit);  // the first one registered is the last one called
}

bool is_publishing() noexcept { return publishing && is_of_this_process(); }

void look_around() noexcept {
  if (publishing) publish_if_due();
  serve_captures();
}

// A signal handler that ends the process may have interrupted this very thread while it held a
// lock: then nothing is waited for, and the record before this one is the last.
void publish_at_exit() noexcept {
  if (!publishing || !is_of_this_process() || locks_of_this_thread != 0) return;
  lock_guard guard(mutex);
  latest_state = observe::process_state::exited;  // destructors that come later allocate, too
  publish();
}

namespace {

void add_classes(observe::snapshot& s, const observe::snapshot& more) {
  for (std::uint32_t c = 0; c < more.class_count; ++c) {
    observe::size_class_record& to = s.classes[c];
    const observe::size_class_record& from = more.classes[c];
    to.slabs += from.slabs;
    to.span_bytes += from.span_bytes;
    to.live_blocks += from.live_blocks;
    to.cached_blocks += from.cached_blocks;
    to.free_blocks += from.free_blocks;
    to.slack_bytes += from.slack_bytes;
    to.requests_sampled += from.requests_sampled;
  }
  s.large.live_blocks += more.large.live_blocks;
  s.large.live_bytes += more.large.live_bytes;
  s.large.slack_bytes += more.large.slack_bytes;
  s.large.span_bytes += more.large.span_bytes;
}

// Adds what another heap holds. The map stays that of the one which has more of it.
void add_heap(observe::snapshot& s, const observe::snapshot& more) {
  using field = std::uint64_t observe::snapshot::*;
  for (const field f :
       {&observe::snapshot::live, &observe::snapshot::slack, &observe::snapshot::free,
        &observe::snapshot::cached, &observe::snapshot::metadata, &observe::snapshot::untouched,
        &observe::snapshot::returned, &observe::snapshot::peak_live_spans,
        &observe::snapshot::total_free, &observe::snapshot::unused, &observe::snapshot::free_ranges,
        &observe::snapshot::heaps, &observe::snapshot::idle_heaps})
    s.*f += more.*f;
  if (more.largest_free > s.largest_free) s.largest_free = more.largest_free;
  for (std::uint32_t i = 0; i < observe::snapshot_fit_sizes; ++i) s.fits[i] += more.fits[i];
  add_classes(s, more);
  if (more.cell_count * more.cell_bytes <= s.cell_count * s.cell_bytes) return;
  s.cell_count = more.cell_count;
  s.cell_bytes = more.cell_bytes;
  std::memcpy(s.cells, more.cells, sizeof s.cells);
}

// Blocks that are tracked live in a heap of their own.
void add_tracked(observe::snapshot& s) {
  if (watched_heap.used_bytes() == 0) return;
  void* const room = process_metadata.allocate(sizeof(observe::snapshot));
  if (room == nullptr) return;
  auto& tracked = *static_cast<observe::snapshot*>(std::memset(room, 0, sizeof(observe::snapshot)));
  watched_heap.describe(tracked);
  add_heap(s, tracked);
  process_metadata.deallocate(room, sizeof(observe::snapshot));
}

}  // namespace

void take_snapshot(observe::snapshot& s, observe::process_state state) noexcept {
  s.magic = observe::snapshot_magic;
  s.version = observe::snapshot_version;
  s.size = sizeof(s);
  s.state = state;
  s.pid = static_cast<std::uint32_t>(::getpid());
  s.parent_pid = static_cast<std::uint32_t>(::getppid());
  copy_text(s.program, sizeof(s.program), program_invocation_short_name);
  copy_text(s.library_version, sizeof(s.library_version), build::version);
  s.start_ns = start_ns;
  s.taken_ns = os::monotonic_ns();

  process_heap.describe(s);
  add_tracked(s);
  s.metadata += process_metadata.resident_bytes() + process_page_map.resident_bytes();
  const os::resident_set resident = os::current_resident_set();
  s.resident = resident.now;
  s.peak_resident = resident.peak;
  s.file = file_bytes();

  const os::counters counters = os::current_counters();
  s.reserved = counters.reserved;
  s.committed = counters.committed;
  s.peak_committed = counters.peak_committed;
  s.os_calls = counters.calls;
  s.discarded = counters.discarded;
  const os::page_faults faults = os::current_page_faults();
  s.minor_faults = faults.minor;
  s.major_faults = faults.major;
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) == 0) {
    s.user_ns = nanoseconds(usage.ru_utime);
    s.system_ns = nanoseconds(usage.ru_stime);
  }
}

}  // namespace ashlar::replace
