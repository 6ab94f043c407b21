// SPDX-License-Identifier: MIT
#include "ashlar/replace/capture/capture_writer.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>

#include "ashlar/observe/capture.hpp"
#include "ashlar/os/clock.hpp"
#include "ashlar/os/diagnostic.hpp"
#include "ashlar/os/file.hpp"
#include "ashlar/os/thread.hpp"
#include "ashlar/os/unwind_tables.hpp"
#include "ashlar/replace/capture/block_sums.hpp"
#include "ashlar/replace/capture/capture_output.hpp"
#include "ashlar/replace/capture/capture_texts.hpp"
#include "ashlar/replace/capture/inner_section.hpp"
#include "ashlar/replace/capture/program_suppressions.hpp"
#include "ashlar/replace/capture/said_lines.hpp"
#include "ashlar/replace/leak_scan.hpp"
#include "ashlar/replace/watched_heap.hpp"

namespace ashlar::replace {

namespace {

using namespace observe;

// Counts of running threads are read one after another, so a difference may come out below zero.
std::uint64_t above_zero(std::int64_t n) { return static_cast<std::uint64_t>(n > 0 ? n : 0); }
std::uint64_t difference(std::uint64_t born, std::uint64_t dead) {
  return above_zero(static_cast<std::int64_t>(born - dead));
}

class writer {
 public:
  explicit writer(const capture_plan& plan)
      : plan_(plan),
        site_count_(tracker_.sites.size()),
        thread_count_(tracker_.thread_count()),
        mark_count_(tracker_.mark_count()),
        inner_end_(tracker_.inner.group_end()),
        out_(plan.file),
        blocks_(site_count_, thread_count_),
        texts_(most_text()) {}
  writer(const writer&) = delete;
  writer& operator=(const writer&) = delete;

  /// `scanned`: the blocks carry the verdicts of a leak scan.
  bool run(bool scanned) noexcept;

 private:
  std::size_t most_text() const noexcept;
  void fill_header(bool scanned) noexcept;
  void walk_blocks() noexcept;
  void begin(section_kind kind, std::uint32_t entry_size) noexcept;
  void end(std::uint64_t count) noexcept;
  void write_maps() noexcept;
  void write_frames() noexcept;
  void write_sites() noexcept;
  void write_tags() noexcept;
  void write_threads() noexcept;
  void write_mark(const time_mark& mark) noexcept;
  void write_marks() noexcept;
  void write_frame_marks() noexcept;
  void write_periods() noexcept;
  void write_inner() noexcept;
  void write_suppressions() noexcept;
  void write_said() noexcept;
  void write_strings() noexcept;
  std::uint32_t text(const char* words) noexcept { return texts_.add(words); }

  tracker& tracker_ = process_tracker();
  const capture_plan& plan_;
  capture_header header_ = {};
  std::uint32_t section_ = 0;
  std::uint32_t site_count_;
  std::uint32_t thread_count_;
  std::uint32_t mark_count_;
  std::uint32_t inner_end_;  // of groups
  capture_output out_;
  block_sums blocks_;
  capture_texts texts_;
};

// What the texts of all sections come to, at most.
std::size_t writer::most_text() const noexcept {
  const auto size_of = [](const char* words) {
    return words == nullptr ? 0 : std::strlen(words) + 1;
  };
  std::size_t sum = 1 + tracker_.tags.size() * tag_record::name_capacity +
                    std::size_t{thread_count_} * 16 +
                    std::size_t{mark_count_} * time_mark::name_capacity;
  sum += inner_end_ * sizeof(inner_label);
  for (std::uint32_t i = 1; i < site_count_; ++i) {
    const site_key key = tracker_.sites.key_of(i);
    sum += size_of(key.file) + size_of(key.function);
  }
  return sum;
}

void writer::begin(section_kind kind, std::uint32_t entry_size) noexcept {
  out_.align();
  header_.sections[section_] = {kind, entry_size, out_.position(), 0};
}

void writer::end(std::uint64_t count) noexcept { header_.sections[section_++].count = count; }

void writer::walk_blocks() noexcept {
  if (!plan_.look_at_blocks || !blocks_.prepare()) {
    header_.gaps |= gap_blocks;
    return;
  }
  watched_blocks_lock().walk({this, [](void* self, const walked_record& b) {
                                auto& w = *static_cast<writer*>(self);
                                const block_facts facts = b.record.load();
                                w.blocks_.add(facts, w.tracker_.weight_of(facts, b.data, b.size));
                              }});
  header_.live_blocks = blocks_.live_blocks();
  header_.live_bytes = blocks_.live_bytes();
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
    const bool has_blocks = (header_.gaps & gap_blocks) == 0;
    const site_sums extra = has_blocks ? blocks_.site(i) : site_sums{};
    const capture_site s = {.first_frame = frame,
                            .frame_count = key.frame_count,
                            .file = text(key.file),
                            .function = text(key.function),
                            .line = key.line,
                            .tag = key.tag,
                            .born_blocks = sum.born_blocks,
                            .born_bytes = sum.born_bytes,
                            .live_blocks = difference(sum.born_blocks, sum.dead_blocks),
                            .live_bytes = difference(sum.born_bytes, sum.dead_bytes),
                            .temporary_blocks = sum.temporary_blocks,
                            .lost_blocks = extra.lost_blocks,
                            .lost_bytes = extra.lost_bytes,
                            .held_blocks = extra.held_blocks,
                            .held_bytes = extra.held_bytes,
                            .born_excess = sum.born_excess,
                            .live_excess = has_blocks ? extra.live_excess : sum.born_excess,
                            .oldest = extra.oldest,
                            .newest = extra.newest};
    frame += key.frame_count;
    if (!has_blocks) header_.live_blocks += s.live_blocks;
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
                           .live_bytes = above_zero(live),
                           .peak_bytes = above_zero(peak)};
    out_.add(&t, sizeof t);
  }
  end(count);
}

// The name that a running thread of a process has now.
void read_name(pid_t pid, std::uint32_t system_id, char (&name)[16]) {
  os::line path;
  path.text("/proc/")
      .decimal(static_cast<std::uint64_t>(pid))
      .text("/task/")
      .decimal(system_id)
      .text("/comm");
  if (!os::read_text_file(path.c_str(), name, sizeof name).ok()) return;
  name[std::strcspn(name, "\n")] = 0;
}

void writer::write_threads() noexcept {
  begin(section_kind::threads, sizeof(capture_thread));
  for (std::uint32_t i = 0; i < thread_count_; ++i) {
    const thread_summary s = tracker_.thread(i);
    char name[16] = {};
    if (s.ended != 0)
      std::memcpy(name, s.name, sizeof name - 1);
    else if (s.system_id != 0)
      read_name(plan_.pid, s.system_id, name);
    const thread_sums live = (header_.gaps & gap_blocks) == 0 ? blocks_.thread(i) : thread_sums{};
    const capture_thread t = {.name = text(name),
                              .system_id = s.system_id,
                              .ended = s.ended,
                              .unused = 0,
                              .born_blocks = load_relaxed(s.born_blocks),
                              .born_bytes = load_relaxed(s.born_bytes),
                              .dead_blocks = load_relaxed(s.dead_blocks),
                              .dead_bytes = load_relaxed(s.dead_bytes),
                              .live_blocks = live.live_blocks,
                              .live_bytes = live.live_bytes};
    out_.add(&t, sizeof t);
  }
  end(thread_count_);
}

void writer::write_mark(const time_mark& mark) noexcept {
  const capture_mark m = {.name = text(mark.name),
                          .at_ms = mark.at_ms,
                          .live_bytes = above_zero(mark.live_bytes),
                          .page_bytes = above_zero(mark.page_bytes),
                          .frame = mark.frame,
                          .unused = 0};
  out_.add(&m, sizeof m);
}

void writer::write_marks() noexcept {
  begin(section_kind::marks, sizeof(capture_mark));
  for (std::uint32_t i = 0; i < mark_count_; ++i) write_mark(tracker_.mark_at(i));
  end(mark_count_);
}

// Of frames the tracker remembers the last ones, and overwrites the oldest: it is left out.
void writer::write_frame_marks() noexcept {
  begin(section_kind::frame_marks, sizeof(capture_mark));
  const std::uint32_t most = tracker::frames_kept - 1;
  const std::uint32_t count = header_.frame_count < most ? header_.frame_count : most;
  for (std::uint32_t i = header_.frame_count - count; i < header_.frame_count; ++i)
    write_mark(tracker_.frame_at(i + 1));
  end(count);
}

void writer::write_periods() noexcept {
  begin(section_kind::periods, sizeof(capture_period));
  for (std::uint32_t i = 1; i < site_count_ && blocks_.period_count() != 0; ++i) {
    for (std::uint32_t n = blocks_.site(i).first_period; n != 0;) {
      const period_sums& sums = blocks_.period(n - 1);
      const capture_period p = {.site = i - 1,
                                .mark = sums.mark,
                                .live_blocks = sums.live_blocks,
                                .live_bytes = sums.live_bytes,
                                .lost_blocks = sums.lost_blocks,
                                .lost_bytes = sums.lost_bytes};
      out_.add(&p, sizeof p);
      n = sums.next;
    }
  }
  end(blocks_.period_count());
}

void writer::write_inner() noexcept {
  begin(section_kind::inner, sizeof(capture_inner));
  end(write_inner_section(tracker_.inner, {inner_end_, site_count_}, texts_, out_));
}

void writer::write_suppressions() noexcept {
  begin(section_kind::suppressions, 1);
  const char* const words = known_suppressions();
  const std::size_t size = std::strlen(words);
  out_.add(words, size);
  end(size);
}

// As far as it went: another thread may be saying more.
void writer::write_said() noexcept {
  begin(section_kind::said, 1);
  const std::size_t size = std::strlen(said_lines());
  out_.add(said_lines(), size);
  end(size);
}

void writer::write_strings() noexcept {
  begin(section_kind::strings, 1);
  end(texts_.write(out_));
}

void writer::fill_header(bool scanned) noexcept {
  header_.magic = capture_magic;
  header_.version = capture_version;
  header_.pid = static_cast<std::uint32_t>(plan_.pid);
  header_.level = static_cast<std::uint32_t>(tracker_.level());
  header_.depth = tracker_.settings().depth;
  // Each mark has set the clock of births ahead.
  header_.start_ns = tracker_.start_ns() + mark_count_ * std::uint64_t{1'000'000};
  header_.taken_ns = os::monotonic_ns();
  header_.live_bytes = above_zero(tracker_.live_bytes());
  header_.peak_bytes = above_zero(tracker_.peak_bytes());
  header_.own_bytes = tracker_.own_bytes();
  header_.lost = tracker_.lost();
  header_.sample_bytes = tracker_.sample_bytes();
  header_.most_sample_bytes = tracker_.most_sample_bytes();
  header_.has_leaks = scanned ? 1 : 0;
  header_.frame_pointers_only = header_.depth > 1 && !os::has_unwind_tables() ? 1 : 0;
  std::strncpy(header_.program, program_invocation_short_name, sizeof header_.program - 1);
  header_.reason = plan_.reason;
  header_.signal = plan_.signal;
  header_.number = plan_.number;
  if (plan_.find_leaks && !scanned) header_.gaps |= gap_leaks;
  header_.page_bytes = static_cast<std::uint64_t>(tracker_.page_bytes());
  header_.frame_count = tracker_.frame_count();
  header_.period_marks = blocks_.mark_count();
}

// The header is written last: a file that begins with zeroes is not whole.
bool writer::run(bool scanned) noexcept {
  fill_header(scanned);
  const capture_header none = {};
  out_.add(&none, sizeof none);
  walk_blocks();
  write_maps();
  write_frames();
  write_sites();
  write_tags();
  write_threads();
  write_marks();
  write_frame_marks();
  write_periods();
  write_inner();
  write_suppressions();
  write_said();
  write_strings();
  if (passed_locks() != 0) header_.gaps |= gap_locks;
  out_.rewrite_start(&header_, sizeof header_);
  return out_.ok();
}

alignas(writer) constinit std::byte writer_storage[sizeof(writer)] = {};
constinit lock writer_mutex;

}  // namespace

lock& capture_mutex() noexcept { return writer_mutex; }

int open_capture(const char* path, bool must_be_new) noexcept {
  const os::cancellation_hold hold;
  // A new file, of this user's alone: never somebody's pipe, or a file that others may read.
  // Devices are what they are: /dev/null is to stay.
  struct stat found {};
  const bool is_there = !must_be_new && ::lstat(path, &found) == 0;
  if (is_there && S_ISCHR(found.st_mode)) return ::open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
  if (is_there && S_ISREG(found.st_mode)) (void)::unlink(path);
  return ::open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
}

bool write_capture(const capture_plan& asked) noexcept {
  const os::cancellation_hold hold;
  const mute_scope quiet;
  lock_guard guard(writer_mutex);
  capture_plan plan = asked;
  plan.find_leaks = plan.find_leaks && process_tracker().level() >= track_level::sampled;
  const bool scanned = plan.find_leaks && plan.look_at_blocks && find_leaks(plan.interrupted);
  auto* const w = ::new (static_cast<void*>(writer_storage)) writer(plan);
  const bool ok = w->run(scanned);
  w->~writer();
  return ok;
}

}  // namespace ashlar::replace
