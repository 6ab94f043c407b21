// SPDX-License-Identifier: MIT
#include "ashlar/replace/debug/event_log.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "ashlar/base/units.hpp"
#include "ashlar/observe/table/growing_table.hpp"
#include "ashlar/observe/tracker.hpp"
#include "ashlar/os/clock.hpp"
#include "ashlar/os/diagnostic.hpp"
#include "ashlar/os/fork.hpp"
#include "ashlar/os/process.hpp"
#include "ashlar/os/thread.hpp"
#include "ashlar/replace/debug/stack_printer.hpp"
#include "ashlar/structure/lock.hpp"

namespace ashlar::replace {

namespace {

constexpr std::size_t window_size = 1_MiB;
constexpr std::uint32_t most_names_tried = 1000;

constinit lock mutex;                                // all below
constinit std::atomic<const void*> writer{nullptr};  // whose it is: the thread's state
constinit bool logging = false;
constinit pid_t home = 0;  // the process, unless this is a child of vfork
constinit std::uint64_t start_ns = 0;
constinit bool follows = false;
constinit std::size_t most = 0;
constinit char folder_path[400] = {};
constinit os::line path;
constinit char* window = nullptr;  // what of the file is mapped
constinit std::size_t window_at = 0;
constinit std::size_t position = 0;
constinit std::size_t whole = 0;  // bytes of lines that are whole
constinit observe::growing_table<bool, observe::site_table::limit> written_out;

void close_window() noexcept {
  if (window != nullptr) ::munmap(window, window_size);
  window = nullptr;
}

enum class opening : unsigned char { done, exists, failed };

// Never again: what could not be written is not to be tried for each block.
opening give_up(const char* why) noexcept {
  close_window();
  store_relaxed(logging, false);
  if (whole != 0) (void)::truncate(path.c_str(), static_cast<off_t>(whole));
  os::line message;
  os::write_line(message.text("ashlar: the log ").text(path.c_str()).text(" ends: ").text(why));
  return opening::failed;
}

// Maps the next part of the file, which takes its room on the disk: a write to a mapping that finds
// none there would end the program. The file is closed again, since programs close and reuse
// descriptors that they do not know. `flags`: those of a new file. Whoever fails has said why.
opening open_window(int flags) noexcept {
  const os::cancellation_hold hold;
  const std::size_t at = position & ~(window_size - 1);
  if (at + window_size > most) return give_up("log_size lets it have no more bytes");
  if (at + window_size > os::file_size_limit()) return give_up("ulimit -f");
  const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
  if (file < 0 && errno == EEXIST) return opening::exists;
  if (file < 0) return give_up("it cannot be opened");
  void* memory = MAP_FAILED;
  if (::posix_fallocate(file, static_cast<off_t>(at), window_size) == 0)
    memory = ::mmap(nullptr, window_size, PROT_READ | PROT_WRITE, MAP_SHARED, file,
                    static_cast<off_t>(at));
  ::close(file);
  if (memory == MAP_FAILED) {
    if (flags != 0) (void)::unlink(path.c_str());
    return give_up("there is no room for it");
  }
  close_window();
  window = static_cast<char*>(memory);
  window_at = at;
  return opening::done;
}

void put_bytes(const char* bytes, std::size_t size) noexcept {
  while (size != 0 && window != nullptr) {
    const std::size_t used = position - window_at;
    if (used == window_size) {
      (void)open_window(0);
      continue;
    }
    const std::size_t room = window_size - used;
    const std::size_t part = size < room ? size : room;
    std::memcpy(window + used, bytes, part);
    position += part;
    bytes += part;
    size -= part;
  }
}

void put_line(const os::line& line) noexcept {
  put_bytes(line.c_str(), line.size());
  put_bytes("\n", 1);
  if (window != nullptr) whole = position;
}

constinit stack_printer stacks{put_line};

// Begins the log of this process, whose file is a new one: before exec it may have had others.
void open_file() noexcept {
  home = ::getpid();
  position = whole = 0;
  opening outcome = opening::exists;
  for (std::uint32_t i = 1; i < most_names_tried && outcome == opening::exists; ++i) {
    path = {};
    path.text(folder_path).text("/").decimal(static_cast<std::uint64_t>(home));
    if (i != 1) path.text(".").decimal(i);
    path.text(".log");
    outcome = open_window(O_CREAT | O_EXCL);
  }
  if (outcome == opening::exists) outcome = give_up("there are too many like it");
  if (outcome != opening::done) return;
  os::line head;
  put_line(head.text("# ashlar log 1, process ").decimal(static_cast<std::uint64_t>(home)));
}

void after_fork_in_child() {
  mutex.reset_after_fork();
  writer.store(nullptr, std::memory_order_relaxed);
  if (!load_relaxed(logging)) return;
  close_window();
  written_out.release();
  if (follows)
    open_file();
  else
    store_relaxed(logging, false);
}

// Requires: the lock.
void write_out_site(observe::site_id site) noexcept {
  if (!written_out.ensure(site + std::size_t{1}) || written_out[site]) return;
  written_out[site] = true;
  os::line l;
  put_line(l.text("site ").decimal(site));
  stacks.print_site(site);
}

void add_time(os::line& l) noexcept {
  const std::uint64_t ms = (os::monotonic_ns() - start_ns) / 1'000'000;
  const std::uint64_t rest = ms % 1000;
  l.decimal(ms / 1000).text(rest < 10 ? ".00" : rest < 100 ? ".0" : ".").decimal(rest);
}

const char* name_of(logged what) noexcept {
  switch (what) {
    case logged::allocated: return " allocated ";
    case logged::refused: return " refused ";
    case logged::freed: return " freed ";
    case logged::released: return " released ";
    case logged::faulted: return " faulted ";
  }
  return " ";
}

// Requires: the lock.
void put_event(const log_entry& entry) noexcept {
  const observe::thread_tally* const tally = observe::this_thread().tally;
  if (entry.site != observe::site_table::none) write_out_site(entry.site);
  os::line l;
  add_time(l);
  l.text(" ").decimal(tally != nullptr ? tally->number : 0).text(name_of(entry.what));
  l.decimal(entry.size);
  if (entry.data != nullptr) l.text(" ").pointer(entry.data);
  if (entry.alignment > default_alignment) l.text(" alignment ").decimal(entry.alignment);
  if (entry.site != observe::site_table::none) l.text(" site ").decimal(entry.site);
  if (entry.words != nullptr) l.text(" ").text(entry.words);
  put_line(l);
}

// The program may change its own folder before the next part is opened.
bool set_folder(const char* folder) noexcept {
  if (folder[0] != '/' && ::getcwd(folder_path, sizeof folder_path) == nullptr) return false;
  const std::size_t used = std::strlen(folder_path);
  const std::size_t size = std::strlen(folder);
  if (used + size + 2 > sizeof folder_path) return false;
  if (used != 0) folder_path[used] = '/';
  std::memcpy(folder_path + used + (used != 0), folder, size + 1);
  return true;
}

}  // namespace

void begin_log(const char* folder, std::size_t most_bytes, bool follow) noexcept {
  path.text(folder);
  if (!set_folder(folder)) return (void)give_up("the folder's path is too long");
  most = most_bytes;
  follows = follow;
  start_ns = os::monotonic_ns();
  logging = true;
  open_file();
  if (!logging) return;
  (void)os::on_fork([] { mutex.acquire_for_fork(); }, [] { mutex.release_after_fork(); },
                    after_fork_in_child);
}

void log_event(const log_entry& entry) noexcept {
  const void* const self = &observe::this_thread();
  // A handler of a signal may have interrupted this very thread while it wrote a line.
  if (!load_relaxed(logging) || writer.load(std::memory_order_relaxed) == self) return;
  const int saved = errno;
  const lock_guard guard(mutex);
  if (!logging) return;  // it ended meanwhile
  writer.store(self, std::memory_order_relaxed);
  put_event(entry);
  writer.store(nullptr, std::memory_order_relaxed);
  errno = saved;
}

void end_log() noexcept {
  // In a child of vfork it is the parent's.
  if (!load_relaxed(logging) || locks_of_this_thread != 0 || home != ::getpid()) return;
  lock_guard guard(mutex);
  store_relaxed(logging, false);
  close_window();
  (void)::truncate(path.c_str(), static_cast<off_t>(position));
  written_out.release();
}

}  // namespace ashlar::replace
