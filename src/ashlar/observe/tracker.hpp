// SPDX-License-Identifier: MIT
// The tracker of a process: how much is watched, and the counting of every tracked block.
//
//   off        nothing; tags may be set, and are not counted
//   counters   blocks allocated under a tag are counted to it; others are not looked at
//   sampled    one allocation in some thousands has a record and stands for others (sampling.hpp)
//   full       every block has a record: site, stack, tag, thread, time
//   debug      and is guarded: see replace/debug/
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
#include "ashlar/observe/sampling.hpp"
#include "ashlar/observe/stack_walk.hpp"
#include "ashlar/observe/table/inner_table.hpp"
#include "ashlar/observe/table/site_table.hpp"
#include "ashlar/observe/table/tag_table.hpp"
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
  // Of a sampled one:
  std::size_t covered = 0;     // its size in the heap
  std::uint8_t doublings = 0;  // how often the mean was doubled that its chance came from
};

/// What happens when a block is allocated under no tag while something is tracked.
enum class untagged_policy : std::uint8_t {
  ignore,     ///< Nothing: it is tracked only where everything is.
  count,      ///< It is tracked, and counted in `tracker::untagged_blocks`.
  warn_once,  ///< And one line on stderr for each site.
  abort,      ///< One line on stderr, then abort.
};

struct track_settings {
  track_level level = track_level::off;
  /// Most frames of a stack; 0: sites without stacks, the direct caller only.
  std::uint32_t depth = 24;
  /// Publish each change of a tag at once, so that peaks are exact with many threads too.
  bool exact_peaks = false;
  untagged_policy untagged = untagged_policy::ignore;
  /// Mean bytes between two samples, at the sampled level. The first one given stays for the life
  /// of the process, for records of blocks do not hold it.
  std::size_t sample_bytes = standard_sample_bytes;
  /// Bytes a second that a thread allocates, but for a burst of 32 samples, before its samples
  /// become rarer, lest they slow it down; 0: they never do. Stays as the other does, for threads
  /// do not look again.
  std::size_t sample_up_to = standard_sample_up_to;
};

/// A moment that the program named, or that a frame began.
struct time_mark {
  static constexpr std::size_t name_capacity = 48;

  char name[name_capacity];  // cut, null-terminated; empty: a frame
  std::uint32_t at_ms;
  std::uint32_t frame;      // frames that had begun
  std::int64_t live_bytes;  // of blocks
  std::int64_t page_bytes;  // of managers
};

/// What the sites of a tag sum up to. Units: blocks, bytes as asked for.
struct tag_sum {
  site_cell blocks;             // of this tag itself, all sites and threads
  std::int64_t live_bytes = 0;  // blocks, and pages of managers
  std::int64_t peak_bytes = 0;
  std::int64_t page_bytes = 0;  // of the live ones: pages of managers
};

class tracker {
 public:
  static constexpr std::uint32_t most_threads = 1u << 16;
  static constexpr std::uint32_t most_marks = 1u << 14;
  static constexpr std::uint32_t frames_kept = 1024;

  constexpr tracker() = default;

  /// Begins, or changes what is recorded from now on. Errors: false if there is no memory, or with
  /// another `sample_bytes` or `sample_up_to` than before; then nothing has changed.
  bool set(const track_settings& settings) noexcept;
  track_level level() const { return load_relaxed(settings_.level); }
  const track_settings& settings() const { return settings_; }

  /// Whether an allocation of the calling thread is to get a record.
  ASHLAR_FORCE_INLINE bool watches_this_thread() const {
    const track_level l = level();
    if (l <= track_level::off || l == track_level::sampled) return false;
    const thread_state& t = this_thread();
    return t.muted == 0 && (l >= track_level::full || t.tag != 0 ||
                            load_relaxed(settings_.untagged) != untagged_policy::ignore);
  }

  /// Whether some of the allocations of the calling thread are to get records.
  ASHLAR_FORCE_INLINE bool samples_this_thread() const {
    return level() == track_level::sampled && this_thread().muted == 0;
  }

  /// Keeps the tables whole across forks from now on. For who defines tags and tracks nothing.
  void follow_forks() noexcept;

  /// Makes `tag` the calling thread's: what it allocates from now on carries it.
  ASHLAR_FORCE_INLINE void set_thread_tag(tag_id tag) {
    thread_state& t = this_thread();
    const bool changes = (t.tag == 0) != (tag == 0);
    t.tag = tag;
    if (changes) thread_tag_changed(t);
  }

  /// Changes what a tag may hold, has what threads counted published, and tells the user if that is
  /// above the soft side. Until it returns, what the tag is thought to hold may be off by what its
  /// threads count.
  void set_budget(tag_id tag, const tag_budget& budget) noexcept;
  /// Whether the budget of the thread's tag lets `size` more bytes in. Tells the user if not.
  bool admits(std::size_t size) noexcept { return admits(this_thread().tag, size); }
  bool admits(tag_id tag, std::size_t size) noexcept;
  /// Whether it lets a block that was `before` become one of `size` bytes, which carries the
  /// thread's tag, whatever it carried until now.
  bool admits_resized(const block_facts& before, std::size_t size) noexcept;
  /// Whether the budget of the thread's tag lets everything in.
  bool is_unbounded() const {
    return !tags.has_budgets() ||
           load_relaxed(tags[this_thread().tag].budget.hard) == tag_budget::none;
  }

  /// Counts pages that a manager takes for a tag, at every level. Returns false, having counted
  /// nothing, if its hard budget would be exceeded.
  bool charge_pages(tag_id tag, std::size_t size) noexcept;
  /// The opposite.
  void discharge_pages(tag_id tag, std::size_t size) noexcept;

  /// Remembers this moment under a name. Nothing before tracking first began.
  void mark(const char* name) noexcept;
  /// The same for the beginning of a frame. The last `frames_kept` are remembered.
  void begin_frame() noexcept;

  /// Returns the time: what lives is not younger, and what is born from now on is, within the same
  /// millisecond too.
  std::uint32_t begin_period() noexcept;
  /// Has `recent_peak_bytes` begin anew. What other threads do meanwhile may count for it or not.
  void restart_peak() noexcept;

  /// Enters a new block. `record` is its own; `data` its address.
  void note_birth(block_record& record, const void* data, const origin& made) noexcept;
  /// The same of a block that is a sample: `made.covered` is its size in the heap.
  void note_sampled_birth(block_record& record, const void* data, const origin& made) noexcept;
  /// Enters that a block dies, and empties its record. Nothing if it is not live.
  void note_death(block_record& record, const void* data) noexcept;
  /// The same, of a block whose record is emptied already. `covered`: its size in the heap; matters
  /// if it is a sampled one.
  void note_death(const block_facts& facts, const void* data, std::size_t covered = 0) noexcept {
    note_death(facts.site, weight_of(facts, data, covered), facts.sampled ? nullptr : data);
  }
  /// The same: what died at a site. `data` is null if nobody knows what was allocated since.
  void note_death(site_id site, block_weight w, const void* data) noexcept;

  /// Enters a block that a container took from a manager, under `tag`.
  void note_inner(const inner_manager& from, const void* data, std::size_t size, const caller& by,
                  tag_id tag) noexcept;

  /// Returns the site of an allocation made now by this thread: what `note_birth` would record.
  site_id site_of(const origin& made, tag_id tag) noexcept;
  /// Returns the site where a block dies, under no tag.
  site_id site_of_death(const caller& from) noexcept;

  // --- for readers ---

  /// What a block counts for: itself, unless it is a sampled one. `covered`: its size in the heap.
  block_weight weight_of(const block_facts& facts, const void* data,
                         std::size_t covered) const noexcept {
    if (!facts.sampled) [[likely]]
      return {1, facts.size};
    return weigh(facts.size, covered, mean_of(facts.doublings),
                 {facts.lot, address_of(data) ^ facts.born});
  }
  /// The mean bytes between two samples after so many doublings.
  std::size_t mean_of(std::uint8_t doublings) const {
    return load_relaxed(settings_.sample_bytes) << doublings;
  }
  /// The most that it was for any sample, as far as other threads have got; 0: none was taken.
  std::size_t most_sample_bytes() const {
    return load_relaxed(has_sampled_) ? mean_of(most_doublings_.load(std::memory_order_relaxed))
                                      : 0;
  }
  /// Mean bytes between two samples; 0: nothing was ever sampled.
  std::size_t sample_bytes() const {
    return load_relaxed(has_sampled_) ? load_relaxed(settings_.sample_bytes) : 0;
  }

  /// The sum of a site's cells over all threads.
  site_cell sum_of(site_id site) noexcept;
  /// The sum over all sites of a tag. O(sites * threads).
  tag_sum sum_of_tag(tag_id tag) noexcept;
  /// The sum of what containers took under a tag. O(groups).
  site_cell inner_sum_of_tag(tag_id tag) const noexcept;
  /// Exact bytes that carry `tag`: of live blocks, and pages of managers.
  std::int64_t live_of(tag_id tag) noexcept;
  /// The most that `live_of` ever was: exact where one thread alone makes and frees the tag's
  /// blocks, where the tag has a budget, and with `exact_peaks`. Where several threads do and there
  /// is neither, it may be 16 KiB too low or too high for each further one; of samples twice the
  /// mean bytes between them. What threads do while somebody calls `set_budget`, or asks for exact
  /// peaks, may be missed by it, or count twice.
  std::int64_t peak_of(tag_id tag) noexcept;
  std::int64_t live_bytes() noexcept;
  std::int64_t peak_bytes() noexcept;
  /// The most since `restart_peak`.
  std::int64_t recent_peak_bytes() noexcept;
  /// Pages that managers hold under tags.
  std::int64_t page_bytes() const { return pages_.load(std::memory_order_relaxed); }
  /// Returns the calling thread's number; 0 if it has none for want of memory.
  std::uint16_t number_of_this_thread() noexcept {
    const thread_tally* const t = level() > track_level::off ? tally() : nullptr;
    return t != nullptr ? t->number : std::uint16_t{0};
  }
  std::uint32_t thread_count() const { return load_relaxed(thread_count_); }
  /// What is known of a thread, with its counts so far. O(sites) if it is running.
  thread_summary thread(std::uint32_t number) noexcept;
  /// The same without the counts, and without a lock.
  const thread_summary& thread_facts(std::uint32_t number) const { return threads_[number]; }
  /// Modulo 2^31: milliseconds since tracking began.
  std::uint32_t now_ms() const noexcept;
  std::uint64_t start_ns() const { return load_relaxed(start_ns_); }
  std::uint32_t mark_count() const { return __atomic_load_n(&mark_count_, __ATOMIC_ACQUIRE); }
  const time_mark& mark_at(std::uint32_t index) const { return marks_[index]; }
  std::uint32_t frame_count() const { return load_relaxed(frame_count_); }
  /// Returns frame `number`, from 1 on, if it is among the last `frames_kept`.
  const time_mark& frame_at(std::uint32_t number) const { return frames_[number % frames_kept]; }
  /// Blocks that were born without a tag while the policy asked for it.
  std::uint64_t untagged_blocks() const { return untagged_blocks_.load(std::memory_order_relaxed); }
  std::uint64_t untagged_bytes() const { return untagged_bytes_.load(std::memory_order_relaxed); }
  /// Births and deaths that could not be counted for want of memory; of inner blocks see `inner`.
  std::uint64_t lost() const { return lost_.load(std::memory_order_relaxed); }
  /// Calls `visit(range)` for the address space of each table of the tracker.
  template <class Visitor>
  void for_each_range(Visitor visit) const {
    sites.for_each_range(visit);
    inner.for_each_range(visit);
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
  inner_table inner;
  /// Called when a thread's tag changes between none and some; set by who serves malloc.
  void (*on_tag_change)(thread_state& thread) = nullptr;
  /// Called when a frame has begun, without locks; null: nobody waits for it. With it frames are
  /// told apart within one millisecond, too: each makes the clock step on by one.
  void (*on_frame)(std::uint32_t number) noexcept = nullptr;
  /// Begins to track, for who serves malloc and must be ready first: as `set`. Null: `set` is
  /// enough.
  bool (*begin)(const track_settings& settings) noexcept = nullptr;
  /// Visits all blocks that have a record, under locks of the heap that they are from: the visitor
  /// neither allocates nor frees. Set by who serves malloc.
  void (*walk)(void* context, void (*visit)(void* context, const void* data,
                                            const block_facts& facts)) noexcept = nullptr;

 private:
  static constexpr std::int64_t usual_batch = 16 << 10;

  /// Null if the thread has ended, or if there is no memory.
  thread_tally* tally() noexcept {
    thread_tally* const t = this_thread().tally;
    return t != nullptr ? t : enter_thread();
  }
  ASHLAR_COLD thread_tally* enter_thread() noexcept;
  site_id site_of_walk(const caller& from, tag_id tag, std::uint32_t depth,
                       walk_memo& memo) noexcept;
  site_id site_of_birth(thread_tally* t, const origin& made, tag_id tag) noexcept;
  thread_tally* take_tally() noexcept;
  template <class Function>
  void for_each_tally(Function function) noexcept;
  template <class Function>
  void for_each_cell(tag_id tag, Function function) noexcept;
  bool prepare() noexcept;
  void set_level(track_level level) noexcept;
  bool begin_thread(thread_state& state) noexcept;
  void fold(thread_tally& ending) noexcept;
  void fold_tags(thread_tally& ending) noexcept;
  void fold_others() noexcept;
  void count_anew() noexcept;
  void fold_sites(thread_tally& ending) noexcept;
  bool count_birth(thread_tally& t, site_cell& of_site, tag_cell& of_tag, tag_id tag,
                   block_weight w) noexcept;
  bool count_death(thread_tally& t, site_cell& of_site, tag_cell& of_tag, tag_id tag,
                   block_weight w) noexcept;
  std::int64_t limit_of(tag_id tag) const noexcept;
  bool tally_late(thread_tally& t, site_id site, tag_id tag, const block_weight& w,
                  bool is_birth) noexcept;
  void count_late(site_id site, const block_weight& w, bool is_birth) noexcept;
  site_page* add_page(site_page*& place) noexcept;
  tag_page* add_page(tag_page*& place) noexcept;
  site_cell* cell_of(thread_tally& t, site_id site) noexcept;
  tag_cell* cell_of_tag(thread_tally& t, tag_id tag) noexcept;
  bool make_cells(thread_tally& t, site_id site, tag_id tag) noexcept;
  void count_apart(thread_tally& t, tag_id tag, std::int64_t change) noexcept;
  void tell_of(tag_id tag) noexcept;
  void enter_birth(block_record& record, const void* data, const origin& made,
                   bool sampled) noexcept;
  void tally_birth(thread_tally& t, site_id site, const block_weight& w) noexcept;
  void tally_excess(thread_tally& t, const block_facts& facts, const block_weight& w) noexcept;
  void count_late_excess(const block_facts& facts, const block_weight& w) noexcept;
  void tally_first_birth(thread_tally& t, site_id site, const block_weight& w) noexcept;
  void tally_first_death(site_id site, const block_weight& w) noexcept;
  bool publish_due(thread_tally& t, tag_id tag) noexcept;
  void publish_and_tell(thread_tally& t, tag_id tag) noexcept;
  void publish_own(tag_id tag, tag_record& record) noexcept;
  void publish_all(tag_id tag) noexcept;
  void publish_all_tags() noexcept;
  void tell(tag_id tag, tag_record& record, std::int64_t live) noexcept;
  ASHLAR_COLD void call_user(tag_id tag, const tag_budget& budget, std::size_t live) noexcept;
  ASHLAR_COLD void meet_untagged(site_id site, std::size_t size) noexcept;
  ASHLAR_COLD void thread_tag_changed(thread_state& thread) noexcept;
  static std::int64_t batch_for(const track_settings& settings) noexcept;
  void step_clock() noexcept;
  void set_mark(time_mark& m, std::int64_t live) const noexcept;

  static void on_thread_exit(void*);
  static void before_fork();
  static void after_fork_in_parent();
  static void after_fork_in_child();

  track_settings settings_;
  std::int64_t batch_ = usual_batch;  // bytes that a cell keeps to itself; 0: exact peaks
  bool prepared_ = false;
  bool has_sampled_ = false;
  std::atomic<std::uint8_t> most_doublings_{0};
  bool follows_forks_ = false;
  std::uint64_t start_ns_ = 0;
  std::atomic<std::uint64_t> lost_{0};
  std::atomic<std::uint32_t> lots_{0};  // where each thread begins to draw; others draw one each
  std::atomic<std::int64_t> live_{0};
  std::atomic<std::int64_t> peak_{0};  // since `restart_peak`, as the cells' `highest` of `total`
  std::atomic<std::int64_t> earlier_peak_{0};
  std::atomic<std::int64_t> pages_{0};
  std::atomic<std::uint64_t> untagged_blocks_{0};
  std::atomic<std::uint64_t> untagged_bytes_{0};

  lock late_mutex_;  // the cells of ended threads; taken before the other
  lock mutex_;       // everything below but the cells of running threads
  std::uint32_t thread_count_ = 0;
  std::uint32_t running_ = 0;
  std::uint32_t tally_count_ = 0;
  std::uint32_t site_page_count_ = 0;
  std::uint32_t tag_page_count_ = 0;
  thread_tally* first_ = nullptr;  // of running threads
  thread_tally* unused_ = nullptr;
  thread_tally* ended_ = nullptr;           // the cells of all threads that have ended
  site_page* unused_site_pages_ = nullptr;  // all zero, but for the link
  tag_page* unused_tag_pages_ = nullptr;    // likewise
  std::uint32_t mark_count_ = 0;
  std::uint32_t frame_count_ = 0;
  growing_table<time_mark, most_marks> marks_;
  growing_table<time_mark, frames_kept> frames_;
  growing_table<thread_summary, most_threads> threads_;
  growing_table<thread_tally, most_threads> tallies_;
  growing_table<site_page, 1u << 16> site_pages_;  // all sites in 21 threads at a time
  growing_table<tag_page, 1u << 16> tag_pages_;
};

}  // namespace ashlar::observe
