// SPDX-License-Identifier: MIT
// When the tracker begins and ends, how threads come by their cells, and what becomes of these when
// they end.
#include <algorithm>
#include <cstring>
#include <span>

#include "ashlar/observe/tracker.hpp"
#include "ashlar/os/clock.hpp"
#include "ashlar/os/thread.hpp"
#include "ashlar/os/thread_exit.hpp"

namespace ashlar::observe {

namespace {

constinit os::thread_exit_hook exit_hook;

}  // namespace

// Each sample stands for more than a usual batch, and sums of samples are off by more than two.
std::int64_t tracker::batch_for(const track_settings& settings) noexcept {
  if (settings.exact_peaks) return 0;
  if (settings.level != track_level::sampled) return usual_batch;
  constexpr std::size_t most = std::size_t{1} << 60;
  return std::max(usual_batch,
                  static_cast<std::int64_t>(2 * std::min(settings.sample_bytes, most)));
}

bool tracker::set(const track_settings& settings) noexcept {
  const bool samples = settings.level == track_level::sampled;
  const bool is_other = settings.sample_bytes != settings_.sample_bytes ||
                        settings.sample_up_to != settings_.sample_up_to;
  if (samples && (settings.sample_bytes == 0 || (has_sampled_ && is_other))) return false;
  if (settings.level != track_level::off && !prepare()) return false;
  if (samples) {
    store_relaxed(settings_.sample_bytes, settings.sample_bytes);
    store_relaxed(settings_.sample_up_to, settings.sample_up_to);
    store_relaxed(has_sampled_, true);
  }
  store_relaxed(settings_.depth, std::min(settings.depth, stack_frames_limit));
  store_relaxed(settings_.exact_peaks, settings.exact_peaks);
  store_relaxed(batch_, batch_for(settings));
  if (settings.exact_peaks) publish_all_tags();
  store_relaxed(settings_.untagged, settings.untagged);
  set_level(settings.level);
  return true;
}

void tracker::set_level(track_level level) noexcept {
  store_relaxed(settings_.level, level);
  if (this == &process_tracker())
    store_relaxed(ashlar_watch_v1, std::uint32_t{level >= track_level::full});
}

bool tracker::prepare() noexcept {
  follow_forks();
  if (!tags.start() || !sites.start()) return false;
  lock_guard guard(mutex_);
  if (prepared_) return true;
  // The first summary is that of all threads which find no room for one of their own.
  if (!threads_.ensure(1)) return false;
  thread_count_ = 1;
  ended_ = take_tally();
  if (ended_ == nullptr) return false;
  ended_->number = 0;
  start_ns_ = os::coarse_ns();
  (void)exit_hook.create(on_thread_exit);
  prepared_ = true;
  return true;
}

void tracker::release() noexcept {
  set_level(track_level::off);
  this_thread().tally = nullptr;
  prepared_ = false;
  first_ = unused_ = ended_ = nullptr;
  running_ = thread_count_ = tally_count_ = site_page_count_ = tag_page_count_ = 0;
  unused_site_pages_ = nullptr;
  unused_tag_pages_ = nullptr;
  mark_count_ = frame_count_ = 0;
  marks_.release();
  frames_.release();
  threads_.release();
  tallies_.release();
  site_pages_.release();
  tag_pages_.release();
  sites.release();
  tags.release();
  inner.release();
}

// --- threads ---

thread_tally* tracker::take_tally() noexcept {
  if (thread_tally* const t = unused_; t != nullptr) {
    unused_ = t->next;
    t->reset();
    return t;
  }
  if (!tallies_.ensure(tally_count_ + 1)) return nullptr;
  return &tallies_[tally_count_++];
}

thread_tally* tracker::enter_thread() noexcept {
  thread_state& state = this_thread();
  if (state.ended) return nullptr;
  {
    const mute_scope quiet;
    if (!begin_thread(state)) return nullptr;
    // May call malloc for a thread's first key beyond the inline ones: we are in the list already.
    (void)exit_hook.arm(&state);
  }
  thread_tag_changed(state);  // whoever serves malloc may have let the thread go meanwhile
  return state.tally;
}

bool tracker::begin_thread(thread_state& state) noexcept {
  lock_guard guard(mutex_);
  thread_tally* const t = take_tally();
  if (t == nullptr) return false;
  if (thread_count_ < most_threads - 1 && threads_.ensure(thread_count_ + 1)) {
    t->number = static_cast<std::uint16_t>(thread_count_);
    threads_[thread_count_].system_id = static_cast<std::uint32_t>(os::current_thread_id());
    store_relaxed(thread_count_, thread_count_ + 1);
  }
  // One further each time: many short threads with one sample each draw evenly, too.
  t->lots = lots_.fetch_add(1, std::memory_order_relaxed);
  t->next = first_;
  if (first_ != nullptr) first_->previous = t;
  first_ = t;
  store_relaxed(running_, running_ + 1);
  state.tally = t;
  return true;
}

void tracker::on_thread_exit(void* value) {
  auto& state = *static_cast<thread_state*>(value);
  tracker& self = process_tracker();
  lock_guard late_guard(self.late_mutex_);
  lock_guard guard(self.mutex_);
  if (state.tally == nullptr) return;
  thread_summary& summary = self.threads_[state.tally->number];
  os::thread_name(summary.name, sizeof summary.name);
  store_relaxed(summary.ended, std::uint32_t{1});
  self.fold(*state.tally);
  state.tally = nullptr;
  state.ended = true;
}

namespace {

// How many cells of a page of `Page` stand for one of the first `count` sites or tags.
template <class Page>
std::uint32_t cells_used(std::uint32_t page, std::uint32_t count) {
  return std::min(count - page * Page::size, Page::size);
}

// Adds what the cells of a running thread count to what is known of it.
void add_counts(thread_summary& s, const thread_tally& t, std::uint32_t site_count) {
  for (std::uint32_t p = 0; p * site_page::size < site_count; ++p) {
    // acquire: pairs with the release in add_page().
    const site_page* const page = __atomic_load_n(&t.sites[p], __ATOMIC_ACQUIRE);
    if (page == nullptr) continue;
    for (const site_cell& cell : std::span(page->cells, cells_used<site_page>(p, site_count))) {
      s.born_blocks += load_relaxed(cell.born_blocks);
      s.born_bytes += load_relaxed(cell.born_bytes);
      s.dead_blocks += load_relaxed(cell.dead_blocks);
      s.dead_bytes += load_relaxed(cell.dead_bytes);
    }
  }
}

}  // namespace

thread_summary tracker::thread(std::uint32_t number) noexcept {
  lock_guard late_guard(late_mutex_);
  lock_guard guard(mutex_);
  thread_summary s = threads_[number];
  for (const thread_tally* t = first_; t != nullptr; t = t->next)
    if (t->number == number) add_counts(s, *t, sites.size());
  return s;
}

namespace {

// Adds a cell to that of all threads that have ended. Requires both locks: nobody publishes.
void fold_cell(const tag_cell& ending, tag_cell& sum) {
  store_relaxed(sum.sum, sum.sum + ending.sum);
  store_relaxed(sum.published, sum.published + ending.published);
  store_relaxed(sum.highest, std::max(sum.highest, ending.highest));
}

}  // namespace

void tracker::fold_tags(thread_tally& ending) noexcept {
  publish(ending.total, live_, peak_);
  fold_cell(ending.total, ended_->total);
  const std::uint32_t count = tags.size();
  for (std::uint32_t p = 0; p * tag_page::size < count; ++p) {
    tag_page* const page = ending.tags[p];
    if (page == nullptr) continue;
    ending.tags[p] = nullptr;
    const std::uint32_t used = cells_used<tag_page>(p, count);
    for (std::uint32_t i = 0; i < used; ++i) {
      const auto tag = static_cast<tag_id>(p * tag_page::size + i);
      const tag_cell& cell = page->cells[i];
      if (cell.highest != 0 || cell.pending() != 0)
        publish(page->cells[i], tags[tag].live, tags[tag].peak);
    }
    if (tag_page*& sum = ended_->tags[p]; sum == nullptr) {
      sum = page;
      continue;
    } else {
      for (std::uint32_t i = 0; i < used; ++i) {
        fold_cell(page->cells[i], sum->cells[i]);
        page->cells[i] = {};
      }
    }
    page->next = unused_tag_pages_;
    unused_tag_pages_ = page;
  }
}

void tracker::fold_sites(thread_tally& ending) noexcept {
  const std::uint32_t count = sites.size();
  add_counts(threads_[ending.number], ending, count);
  for (std::uint32_t p = 0; p * site_page::size < count; ++p) {
    site_page* const page = ending.sites[p];
    if (page == nullptr) continue;
    ending.sites[p] = nullptr;
    if (site_page*& sum = ended_->sites[p]; sum == nullptr) {
      sum = page;
      continue;
    } else {
      for (std::uint32_t i = 0; i < cells_used<site_page>(p, count); ++i) {
        sum->cells[i].add(page->cells[i]);
        page->cells[i] = {};
      }
    }
    page->next = unused_site_pages_;
    unused_site_pages_ = page;
  }
}

// Adds the cells of a thread that ended to those of all such threads. Requires both locks.
void tracker::fold(thread_tally& ending) noexcept {
  fold_sites(ending);
  fold_tags(ending);
  (ending.previous != nullptr ? ending.previous->next : first_) = ending.next;
  if (ending.next != nullptr) ending.next->previous = ending.previous;
  store_relaxed(running_, running_ - 1);
  ending.next = unused_;
  unused_ = &ending;
}

}  // namespace ashlar::observe
