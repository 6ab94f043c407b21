// SPDX-License-Identifier: MIT
#include "ashlar/replace/capture_writer.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "ashlar/observe/capture.hpp"
#include "ashlar/os/clock.hpp"
#include "ashlar/os/diagnostic.hpp"
#include "ashlar/os/file.hpp"
#include "ashlar/os/unwind_tables.hpp"
#include "ashlar/replace/dead_stack.hpp"
#include "ashlar/replace/leak_scan.hpp"
#include "ashlar/replace/options.hpp"
#include "ashlar/replace/watched_heap.hpp"

namespace ashlar::replace {

namespace {

using namespace observe;

// A file that is written from start to end through a buffer.
class output {
 public:
  explicit output(const char* path)
      : file_(::open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600)) {
    ok_ = file_ >= 0;
  }
  ~output() {
    if (file_ >= 0) ::close(file_);
  }
  output(const output&) = delete;
  output& operator=(const output&) = delete;

  void add(const void* data, std::size_t size) {
    position_ += size;
    const auto* bytes = static_cast<const char*>(data);
    while (size != 0) {
      const std::size_t n = size < sizeof buffer_ - used_ ? size : sizeof buffer_ - used_;
      std::memcpy(buffer_ + used_, bytes, n);
      used_ += n;
      bytes += n;
      size -= n;
      if (used_ == sizeof buffer_) flush();
    }
  }
  void flush() {
    for (std::size_t at = 0; at < used_ && ok_;) {
      const ssize_t n = ::write(file_, buffer_ + at, used_ - at);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) ok_ = false;
      if (n > 0) at += static_cast<std::size_t>(n);
    }
    used_ = 0;
  }
  void align() {
    static constexpr char zeros[8] = {};
    add(zeros, align_up(position_, 8) - position_);
  }
  void rewrite_start(const void* data, std::size_t size) {
    flush();
    if (ok_ && ::pwrite(file_, data, size, 0) != static_cast<ssize_t>(size)) ok_ = false;
  }
  std::uint64_t position() const { return position_; }
  bool ok() const { return ok_; }

 private:
  int file_;
  bool ok_;
  std::uint64_t position_ = 0;
  std::size_t used_ = 0;
  char buffer_[16_KiB];
};

// What the walk over all blocks adds to the counts of a site and of a thread.
struct site_extra {
  std::uint64_t standing_blocks[3];
  std::uint64_t standing_bytes[3];
  std::uint32_t oldest;
  std::uint32_t newest;
};
struct thread_extra {
  std::uint64_t live_blocks;
  std::uint64_t live_bytes;
};

class writer {
 public:
  writer(const char* path, bool leaks) : out_(path), leaks_(leaks) {}

  bool run() noexcept;

 private:
  static constexpr std::size_t most_text = std::size_t{64} << 20;

  bool prepare() noexcept;
  void walk_blocks() noexcept;
  void begin(section_kind kind, std::uint32_t entry_size) noexcept;
  void end(std::uint64_t count) noexcept;
  void write_maps() noexcept;
  void write_frames() noexcept;
  void write_sites() noexcept;
  void write_tags() noexcept;
  void write_threads() noexcept;
  void write_marks() noexcept;
  void write_strings() noexcept;
  std::uint32_t text(const char* words) noexcept;

  tracker& tracker_ = process_tracker();
  output out_;
  bool leaks_;
  capture_header header_ = {};
  std::uint32_t section_ = 0;
  std::uint32_t site_count_ = 0;
  std::uint32_t thread_count_ = 0;
  growing_table<site_extra, 1u << 20> sites_;
  growing_table<thread_extra, 1u << 16> threads_;
  growing_table<char, most_text> text_;
  std::size_t text_size_ = 0;
};

// Texts are kept until all sections that refer to them are written. One text often follows itself.
std::uint32_t writer::text(const char* words) noexcept {
  if (words == nullptr || *words == 0) return 0;
  const std::size_t size = std::strlen(words) + 1;
  if (!text_.ensure(text_size_ + size)) return 0;
  const auto at = static_cast<std::uint32_t>(text_size_);
  std::memcpy(&text_[text_size_], words, size);
  text_size_ += size;
  return at;
}

void writer::begin(section_kind kind, std::uint32_t entry_size) noexcept {
  out_.align();
  header_.sections[section_] = {kind, entry_size, out_.position(), 0};
}

void writer::end(std::uint64_t count) noexcept { header_.sections[section_++].count = count; }

bool writer::prepare() noexcept {
  site_count_ = tracker_.sites.size();
  thread_count_ = tracker_.thread_count();
  return out_.ok() && sites_.ensure(site_count_ + 1) && threads_.ensure(thread_count_ + 1) &&
         text_.ensure(1) && (text_size_ = 1);
}

void writer::walk_blocks() noexcept {
  watched_heap.walk_records({this, [](void* self, const walked_block& b, block_record& record) {
                               auto& w = *static_cast<writer*>(self);
                               const block_facts f = record.load();
                               if (f.site == site_table::none || f.site >= w.site_count_) return;
                               const block_weight weight = w.tracker_.weight_of(f, b.data, b.size);
                               site_extra& s = w.sites_[f.site];
                               const auto standing = static_cast<std::size_t>(f.standing);
                               if (standing < 3) {
                                 s.standing_blocks[standing] += weight.blocks;
                                 s.standing_bytes[standing] += weight.bytes;
                               }
                               if (s.oldest == 0 || f.born < s.oldest) s.oldest = f.born;
                               if (f.born > s.newest) s.newest = f.born;
                               w.header_.live_blocks += weight.blocks;
                               w.header_.live_bytes += weight.bytes;
                               if (f.thread >= w.thread_count_) return;
                               w.threads_[f.thread].live_blocks += weight.blocks;
                               w.threads_[f.thread].live_bytes += weight.bytes;
                             }});
}

void writer::write_maps() noexcept {
  begin(section_kind::maps, 1);
  const std::uint64_t start = out_.position();
  os::line_reader lines("/proc/self/maps");
  while (const char* const line = lines.next()) {
    out_.add(line, std::strlen(line));
    out_.add("\n", 1);
  }
  end(out_.position() - start);
}

void writer::write_frames() noexcept {
  begin(section_kind::frames, sizeof(std::uint64_t));
  std::uint64_t count = 0;
  for (std::uint32_t i = 1; i < site_count_; ++i) {
    const site_key key = tracker_.sites.key_of(i);
    out_.add(key.frames, key.frame_count * sizeof(std::uint64_t));
    count += key.frame_count;
  }
  end(count);
}

void writer::write_sites() noexcept {
  begin(section_kind::sites, sizeof(capture_site));
  std::uint32_t frame = 0;
  for (std::uint32_t i = 1; i < site_count_; ++i) {
    const site_key key = tracker_.sites.key_of(i);
    const site_cell sum = tracker_.sum_of(i);
    const site_extra& extra = sites_[i];
    const capture_site s = {
        .first_frame = frame,
        .frame_count = key.frame_count,
        .file = text(key.file),
        .function = text(key.function),
        .line = key.line,
        .tag = key.tag,
        .born_blocks = sum.born_blocks,
        .born_bytes = sum.born_bytes,
        .live_blocks = sum.born_blocks - sum.dead_blocks,
        .live_bytes = sum.born_bytes - sum.dead_bytes,
        .temporary_blocks = sum.temporary_blocks,
        .lost_blocks = extra.standing_blocks[static_cast<std::size_t>(block_standing::lost)],
        .lost_bytes = extra.standing_bytes[static_cast<std::size_t>(block_standing::lost)],
        .held_blocks =
            extra.standing_blocks[static_cast<std::size_t>(block_standing::kept_by_lost)],
        .held_bytes = extra.standing_bytes[static_cast<std::size_t>(block_standing::kept_by_lost)],
        .oldest = extra.oldest,
        .newest = extra.newest};
    frame += key.frame_count;
    out_.add(&s, sizeof s);
  }
  end(site_count_ - 1);
}

void writer::write_tags() noexcept {
  begin(section_kind::tags, sizeof(capture_tag));
  const std::uint32_t count = tracker_.tags.size();
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto id = static_cast<tag_id>(i);
    const tag_record& r = tracker_.tags[id];
    const std::int64_t live = tracker_.live_of(id);
    const std::int64_t peak = tracker_.peak_of(id);
    const capture_tag t = {.name = text(r.name),
                           .parent = r.parent,
                           .soft = r.budget.soft,
                           .hard = r.budget.hard,
                           .live_bytes = static_cast<std::uint64_t>(live),
                           .peak_bytes = static_cast<std::uint64_t>(peak)};
    out_.add(&t, sizeof t);
  }
  end(count);
}

// The name that a running thread has now.
void read_name(std::uint32_t system_id, char (&name)[16]) {
  os::line path;
  path.text("/proc/self/task/").decimal(system_id).text("/comm");
  if (!os::read_text_file(path.c_str(), name, sizeof name).ok()) return;
  name[std::strcspn(name, "\n")] = 0;
}

void writer::write_threads() noexcept {
  begin(section_kind::threads, sizeof(capture_thread));
  for (std::uint32_t i = 0; i < thread_count_; ++i) {
    const thread_summary& s = tracker_.thread(i);
    char name[16] = {};
    if (s.ended != 0)
      std::memcpy(name, s.name, sizeof name - 1);
    else if (s.system_id != 0)
      read_name(s.system_id, name);
    const capture_thread t = {.name = text(name),
                              .system_id = s.system_id,
                              .ended = s.ended,
                              .unused = 0,
                              .born_blocks = load_relaxed(s.born_blocks),
                              .born_bytes = load_relaxed(s.born_bytes),
                              .dead_blocks = load_relaxed(s.dead_blocks),
                              .dead_bytes = load_relaxed(s.dead_bytes),
                              .live_blocks = threads_[i].live_blocks,
                              .live_bytes = threads_[i].live_bytes};
    out_.add(&t, sizeof t);
  }
  end(thread_count_);
}

void writer::write_strings() noexcept {
  begin(section_kind::strings, 1);
  out_.add(&text_[0], text_size_);
  end(text_size_);
}

bool writer::run() noexcept {
  const bool scanned = leaks_ && find_leaks();
  if (!prepare()) return false;
  header_.magic = capture_magic;
  header_.version = capture_version;
  header_.pid = static_cast<std::uint32_t>(::getpid());
  header_.level = static_cast<std::uint32_t>(tracker_.level());
  header_.depth = tracker_.settings().depth;
  header_.start_ns = tracker_.start_ns();
  header_.taken_ns = os::monotonic_ns();
  header_.peak_bytes = static_cast<std::uint64_t>(tracker_.peak_bytes());
  header_.own_bytes = tracker_.own_bytes();
  header_.lost = tracker_.lost();
  header_.sample_bytes = tracker_.sample_bytes();
  header_.has_leaks = scanned ? 1 : 0;
  header_.frame_pointers_only = os::has_unwind_tables() ? 0 : 1;
  std::strncpy(header_.program, program_invocation_short_name, sizeof header_.program - 1);
  out_.add(&header_, sizeof header_);
  walk_blocks();
  write_maps();
  write_frames();
  write_sites();
  write_tags();
  write_threads();
  write_strings();
  out_.rewrite_start(&header_, sizeof header_);
  text_.release();
  sites_.release();
  threads_.release();
  return out_.ok();
}

alignas(writer) constinit std::byte writer_storage[sizeof(writer)] = {};
constinit lock writer_mutex;
constinit char exit_folder[256] = {};

void at_exit(int, void*) {
  note_exit();
  capture_now();
}

}  // namespace

bool write_capture(const char* path, bool leaks) noexcept {
  const mute_scope quiet;
  lock_guard guard(writer_mutex);
  auto* const w = ::new (static_cast<void*>(writer_storage)) writer(path, leaks);
  const bool ok = w->run();
  w->~writer();
  if (ok) return true;
  os::line message;
  message.text("ashlar: cannot write the capture to ").text(path);
  os::write_line(message);
  return false;
}

void capture_now() noexcept {
  if (exit_folder[0] == 0 || locks_of_this_thread != 0) return;
  os::line path;
  path.text(exit_folder).text("/").decimal(static_cast<std::uint64_t>(::getpid()));
  path.text(".capture");
  (void)write_capture(path.c_str(), process_tracker().level() >= track_level::sampled);
}

void capture_at_exit(const char* folder) noexcept {
  std::strncpy(exit_folder, folder, sizeof exit_folder - 1);
  // Handlers run in reverse order; this one is registered before main, and so comes last.
  (void)::on_exit(at_exit, nullptr);
}

}  // namespace ashlar::replace
