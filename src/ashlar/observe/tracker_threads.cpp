// SPDX-License-Identifier: MIT
// How threads come by their cells, what becomes of these when they end; sums over all; fork.
#include <algorithm>
#include <cstring>
#include <span>

#include "ashlar/observe/tracker.hpp"
#include "ashlar/os/clock.hpp"
#include "ashlar/os/fork.hpp"
#include "ashlar/os/thread.hpp"
#include "ashlar/os/thread_exit.hpp"

namespace ashlar::observe {

namespace {

constinit os::thread_exit_hook exit_hook;

}  // namespace

bool tracker::set(const track_settings& settings) noexcept {
  const bool samples = settings.level == track_level::sampled;
  if (samples && (settings.sample_bytes == 0 ||
                  (has_sampled_ && settings.sample_bytes != settings_.sample_bytes)))
    return false;
  if (settings.level != track_level::off && !prepare()) return false;
  if (samples) {
    store_relaxed(settings_.sample_bytes, settings.sample_bytes);
    store_relaxed(has_sampled_, true);
  }
  store_relaxed(settings_.depth, std::min(settings.depth, stack_frames_limit));
  store_relaxed(settings_.exact_peaks, settings.exact_peaks);
  store_relaxed(batch_, settings.exact_peaks ? std::int64_t{0} : usual_batch);
  if (settings.exact_peaks) publish_all_tags();
  store_relaxed(settings_.untagged, settings.untagged);
  store_relaxed(settings_.level, settings.level);
  return true;
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

// --- sums ---

template <class Function>
void tracker::for_each_tally(Function function) noexcept {
  lock_guard guard(mutex_);
  if (ended_ != nullptr) function(*ended_);
  for (thread_tally* t = first_; t != nullptr; t = t->next) function(*t);
}

site_cell tracker::sum_of(site_id site) noexcept {
  site_cell sum;
  for_each_tally([&](thread_tally& t) {
    // acquire: pairs with the release in add_page().
    if (const site_page* const page =
            __atomic_load_n(&t.sites[site / site_page::size], __ATOMIC_ACQUIRE))
      sum.add(page->cells[site % site_page::size]);
  });
  return sum;
}

tag_sum tracker::sum_of_tag(tag_id tag) noexcept {
  tag_sum sum;
  if (tag >= tags.size()) return sum;
  const std::uint32_t count = sites.size();
  for_each_tally([&](thread_tally& t) {
    for (std::uint32_t p = 0; p * site_page::size < count; ++p) {
      // acquire: pairs with the release in add_page().
      const site_page* const page = __atomic_load_n(&t.sites[p], __ATOMIC_ACQUIRE);
      if (page == nullptr) continue;
      for (std::uint32_t i = 0; i < site_page::size && p * site_page::size + i < count; ++i)
        if (sites.tag_of(p * site_page::size + i) == tag) sum.blocks.add(page->cells[i]);
    }
  });
  const tag_record& r = tags[tag];
  sum.live_bytes = live_of(tag);
  sum.page_bytes = r.pages.load(std::memory_order_relaxed);
  sum.peak_bytes = peak_of(tag);
  return sum;
}

// Calls `function(cell)` for the cells of a tag.
template <class Function>
void tracker::for_each_cell(tag_id tag, Function function) noexcept {
  for_each_tally([&](thread_tally& t) {
    // acquire: pairs with the release in add_page().
    if (tag_page* const page = __atomic_load_n(&t.tags[tag / tag_page::size], __ATOMIC_ACQUIRE))
      function(page->cells[tag % tag_page::size]);
  });
}

// Has nothing of a tag wait in a cell.
void tracker::publish_all(tag_id tag) noexcept {
  if (tag >= tags.size()) return;
  tag_record& r = tags[tag];
  for_each_cell(tag, [&](tag_cell& cell) { publish(cell, r.live, r.peak); });
}

void tracker::publish_all_tags() noexcept {
  for_each_tally([&](thread_tally& t) { publish(t.total, live_, peak_); });
  for (std::uint32_t tag = 0; tag < tags.size(); ++tag) publish_all(static_cast<tag_id>(tag));
}

std::int64_t tracker::live_of(tag_id tag) noexcept {
  if (tag >= tags.size()) return 0;
  std::int64_t live = tags[tag].pages.load(std::memory_order_relaxed) +
                      tags[tag].apart.load(std::memory_order_relaxed);
  for_each_cell(tag, [&](const tag_cell& cell) { live += load_relaxed(cell.sum); });
  return live;
}

std::int64_t tracker::live_bytes() noexcept {
  std::int64_t live = 0;
  for_each_tally([&](const thread_tally& t) { live += load_relaxed(t.total.sum); });
  return live;
}

// What is published lags behind: the highest that any thread has seen counts, too.
std::int64_t tracker::peak_bytes() noexcept {
  std::int64_t peak = std::max(peak_.load(std::memory_order_relaxed), live_bytes());
  for_each_tally(
      [&](const thread_tally& t) { peak = std::max(peak, load_relaxed(t.total.highest)); });
  return peak;
}

std::int64_t tracker::peak_of(tag_id tag) noexcept {
  if (tag >= tags.size()) return 0;
  std::int64_t peak = std::max(tags[tag].peak.load(std::memory_order_relaxed), live_of(tag));
  for_each_cell(tag,
                [&](const tag_cell& cell) { peak = std::max(peak, load_relaxed(cell.highest)); });
  return peak;
}

std::size_t tracker::own_bytes() const noexcept {
  return sites.committed() + tags.committed() + threads_.committed() + tallies_.committed() +
         site_pages_.committed() + tag_pages_.committed() + marks_.committed() +
         frames_.committed();
}

void tracker::release() noexcept {
  store_relaxed(settings_.level, track_level::off);
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
}

// --- fork ---

void tracker::follow_forks() noexcept {
  if (__atomic_exchange_n(&follows_forks_, true, __ATOMIC_RELAXED)) return;
  (void)os::on_fork(before_fork, after_fork_in_parent, after_fork_in_child);
}

void tracker::before_fork() {
  tracker& self = process_tracker();
  self.late_mutex_.acquire_for_fork();
  self.mutex_.acquire_for_fork();
  self.sites.mutex().acquire_for_fork();
  self.tags.mutex().acquire_for_fork();
}

void tracker::after_fork_in_parent() {
  tracker& self = process_tracker();
  self.tags.mutex().release_after_fork();
  self.sites.mutex().release_after_fork();
  self.mutex_.release_after_fork();
  self.late_mutex_.release_after_fork();
}

// Only the forking thread exists in the child. The cells of the others are as they were: each
// number is whole.
void tracker::after_fork_in_child() {
  tracker& self = process_tracker();
  self.tags.mutex().reset_after_fork();
  self.sites.mutex().reset_after_fork();
  self.late_mutex_.reset_after_fork();
  self.mutex_.reset_after_fork();
  self.fold_others();
  self.count_anew();
}

void tracker::fold_others() noexcept {
  lock_guard late_guard(late_mutex_);
  lock_guard guard(mutex_);
  for (thread_tally* t = first_; t != nullptr;) {
    thread_tally* const next = t->next;
    if (t != this_thread().tally) {
      if (t->number != 0) store_relaxed(threads_[t->number].ended, std::uint32_t{1});
      fold(*t);
    }
    t = next;
  }
}

// Sums up anew what is published: another thread may have been about to add what its cell says
// that it has, or stood between two counts of pages.
void tracker::count_anew() noexcept {
  const auto settle = [](tag_cell& cell) { store_relaxed(cell.published, cell.sum); };
  for_each_tally([&](thread_tally& t) { settle(t.total); });
  live_.store(live_bytes(), std::memory_order_relaxed);
  std::int64_t pages = 0;
  for (std::uint32_t i = 0; i < tags.size(); ++i) {
    const auto tag = static_cast<tag_id>(i);
    for_each_cell(tag, settle);
    tags[tag].live.store(live_of(tag), std::memory_order_relaxed);
    pages += tags[tag].pages.load(std::memory_order_relaxed);
  }
  pages_.store(pages, std::memory_order_relaxed);
}

}  // namespace ashlar::observe
