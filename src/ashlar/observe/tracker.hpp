// SPDX-License-Identifier: MIT
// The tracker of a process: how much is watched, and the counting of every tracked block.
//
//   off        nothing; tags may be set, and are not counted
//   counters   blocks allocated under a tag are counted to it; others are not looked at
//   sampled    and one block in so many bytes is recorded with its stack
//   full       every block is recorded: site, stack, tag, thread, time
//   debug      and guarded: see replace/guard.hpp
//
// A block is tracked if it has a record (block_record.hpp), which whoever owns the block keeps. The
// tracker fills records, counts, and knows all threads, sites and tags. It holds no block itself.
//
// Threads: thread-safe. Births and deaths take no lock but for a stack, a tag or a page of cells
// that is new. Lock order: all locks of the observer are leaves; no heap is called under them.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "ashlar/observe/block_record.hpp"
#include "ashlar/observe/site_table.hpp"
#include "ashlar/observe/stack_walk.hpp"
#include "ashlar/observe/tag_table.hpp"
#include "ashlar/observe/thread_state.hpp"
#include "ashlar/observe/thread_tally.hpp"

namespace ashlar::observe {

enum class track_level : std::uint8_t { off, counters, sampled, full, debug };

/// What is known of an allocation before it is made.
struct origin {
  std::size_t size = 0;  // bytes asked for
  family made_by = family::malloc;
  caller from = {};
  const std::source_location* place = nullptr;
  std::uint8_t alignment_shift = 0;  // log2 of the alignment; 0: not known
};

struct track_settings {
  track_level level = track_level::off;
  /// Most frames of a stack; 0: sites without stacks, the direct caller only.
  std::uint32_t depth = 24;
  /// Publish each change of a tag at once, so that peaks are exact with many threads too.
  bool exact_peaks = false;
};

class tracker {
 public:
  static constexpr std::uint32_t most_threads = 1u << 16;

  constexpr tracker() = default;

  /// Begins, or changes what is recorded from now on. Errors: false if there is no memory; then
  /// nothing has changed.
  bool set(const track_settings& settings) noexcept;
  track_level level() const { return load_relaxed(settings_.level); }
  const track_settings& settings() const { return settings_; }

  /// Whether an allocation of the calling thread is to get a record.
  ASHLAR_FORCE_INLINE bool watches_this_thread() const {
    const track_level l = level();
    if (l <= track_level::off) return false;
    const thread_state& t = this_thread();
    return t.muted == 0 && (l >= track_level::full || t.tag != 0);
  }

  /// Whether the budget of the thread's tag lets `size` more bytes in. Tells the user if not.
  bool admits(std::size_t size) noexcept;

  /// Enters a new block. `record` is its own; `data` its address.
  void note_birth(block_record& record, const void* data, const origin& made) noexcept;
  /// Enters that a block dies, and empties its record. Nothing if it is not live.
  void note_death(block_record& record, const void* data) noexcept;
  /// The same, of a block whose record is emptied already.
  void note_death(const block_facts& facts, const void* data) noexcept;

  /// Returns the site of an allocation made now by this thread: what `note_birth` would record.
  site_id site_of(const origin& made, tag_id tag) noexcept;

  // --- for readers ---

  /// The sum of a site's cells over all threads.
  site_cell sum_of(site_id site) noexcept;
  /// Exact bytes of live blocks that carry `tag`: published and pending.
  std::int64_t live_of(tag_id tag) noexcept;
  std::int64_t live_bytes() noexcept;
  std::int64_t peak_bytes() noexcept;
  std::uint32_t thread_count() const { return load_relaxed(thread_count_); }
  const thread_summary& thread(std::uint32_t number) const { return threads_[number]; }
  /// Milliseconds since tracking began.
  std::uint32_t now_ms() const noexcept;
  std::uint64_t start_ns() const { return start_ns_; }
  /// Births and deaths that could not be counted for want of memory.
  std::uint64_t lost() const { return lost_.load(std::memory_order_relaxed); }
  /// Calls `visit(range)` for the address space of each table of the tracker.
  template <class Visitor>
  void for_each_range(Visitor visit) const {
    sites.for_each_range(visit);
    visit(tags.reserved());
    visit(threads_.reserved());
    visit(tallies_.reserved());
    visit(site_pages_.reserved());
    visit(tag_pages_.reserved());
  }
  /// What the observer itself takes up, in bytes.
  std::size_t own_bytes() const noexcept;

  /// Gives everything back. Nothing is tracked any more; no other thread may be running.
  void release() noexcept;

  site_table sites;
  tag_table tags;
  /// Called when a thread's tag changes between none and some; set by who serves malloc.
  void (*on_tag_change)(thread_state& thread) = nullptr;

 private:
  static constexpr std::int64_t batch = 16 << 10;

  thread_tally* tally() noexcept {
    thread_tally* const t = this_thread().tally;
    return t != nullptr ? t : enter_thread();
  }
  ASHLAR_COLD thread_tally* enter_thread() noexcept;
  thread_tally* take_tally() noexcept;
  template <class Function>
  void for_each_tally(Function function) noexcept;
  bool prepare() noexcept;
  void fold(thread_tally& ending) noexcept;
  void count_birth(thread_tally& t, site_id site, std::size_t size) noexcept;
  void count_death(thread_tally& t, const block_facts& facts, bool temporary) noexcept;
  void count_late(const block_facts& facts, bool is_birth) noexcept;
  site_cell* cell_of(thread_tally& t, site_id site) noexcept;
  tag_cell* cell_of_tag(thread_tally& t, tag_id tag) noexcept;
  void hold(thread_tally& t, tag_id tag, std::int64_t change) noexcept;
  void publish(tag_cell& cell, std::atomic<std::int64_t>& live,
               std::atomic<std::int64_t>& peak) noexcept;
  void tell(tag_id tag, tag_record& record, std::int64_t live) noexcept;
  std::int64_t batch_size() const;

  static void on_thread_exit(void*);
  static void before_fork();
  static void after_fork_in_parent();
  static void after_fork_in_child();

  track_settings settings_;
  bool prepared_ = false;
  std::uint64_t start_ns_ = 0;
  std::atomic<std::uint64_t> lost_{0};
  std::atomic<std::int64_t> live_{0};
  std::atomic<std::int64_t> peak_{0};

  lock late_mutex_;  // the cells of ended threads; taken before the other
  lock mutex_;       // everything below but the cells of running threads
  std::uint32_t thread_count_ = 0;
  std::uint32_t running_ = 0;
  std::uint32_t tally_count_ = 0;
  std::uint32_t site_page_count_ = 0;
  std::uint32_t tag_page_count_ = 0;
  thread_tally* first_ = nullptr;  // of running threads
  thread_tally* unused_ = nullptr;
  thread_tally* ended_ = nullptr;  // the cells of all threads that have ended
  site_page* unused_site_pages_ = nullptr;
  tag_page* unused_tag_pages_ = nullptr;
  growing_table<thread_summary, most_threads> threads_;
  growing_table<thread_tally, most_threads> tallies_;
  growing_table<site_page, 1u << 14> site_pages_;
  growing_table<tag_page, 1u << 16> tag_pages_;
};

}  // namespace ashlar::observe
