// SPDX-License-Identifier: MIT
// What tags mean to the tracker: budgets, pages of managers, blocks without a tag; and time marks.
#include <stdlib.h>

#include <cstring>

#include "ashlar/observe/frame_line.hpp"
#include "ashlar/observe/tracker.hpp"
#include "ashlar/os/diagnostic.hpp"

namespace ashlar::observe {

namespace {

std::size_t bytes_of(std::int64_t live) { return static_cast<std::size_t>(live > 0 ? live : 0); }

bool fits(std::size_t live, std::size_t size, std::size_t hard) {
  return size <= hard && live <= hard - size;
}

}  // namespace

void tracker::thread_tag_changed(thread_state& thread) noexcept {
  if (on_tag_change != nullptr) on_tag_change(thread);
}

// --- budgets ---

// A thread that has just read the old budget, or whose last change nobody sees yet, may keep that
// one to itself until its next.
void tracker::set_budget(tag_id tag, const tag_budget& budget) noexcept {
  tags.set_budget(tag, budget);
  if (tag >= tags.size()) return;
  publish_all(tag);
  tell_of(tag);
}

// What the user's function allocates is not counted. Whoever serves malloc may have let the thread
// go meanwhile, and is told to watch it again.
void tracker::call_user(tag_id tag, const tag_budget& budget, std::size_t live) noexcept {
  {
    const mute_scope quiet;
    budget.exceeded(budget.context, tag, live);
  }
  thread_tag_changed(this_thread());
}

// Tells the user once when a tag rises above its soft budget, and is ready again below it.
void tracker::tell(tag_id tag, tag_record& r, std::int64_t live) noexcept {
  if (load_relaxed(r.budget.exceeded) == nullptr) return;
  const tag_budget budget = tags.budget_of(tag);
  const std::size_t bytes = bytes_of(live);
  if (bytes <= budget.soft) {
    if (bytes < budget.hard && r.reported.load(std::memory_order_relaxed))
      r.reported.store(false, std::memory_order_relaxed);
    return;
  }
  if (budget.exceeded == nullptr || r.reported.exchange(true, std::memory_order_relaxed)) return;
  call_user(tag, budget, bytes);
}

bool tracker::admits(tag_id tag, std::size_t size) noexcept {
  tag_record& r = tags[tag];
  const std::size_t hard = load_relaxed(r.budget.hard);
  if (hard == tag_budget::none) return true;
  const std::size_t live = bytes_of(r.live.load(std::memory_order_relaxed));
  if (fits(live, size, hard)) return true;
  const tag_budget budget = tags.budget_of(tag);
  if (budget.exceeded != nullptr && !r.reported.exchange(true, std::memory_order_relaxed))
    call_user(tag, budget, live);
  return false;
}

bool tracker::admits_resized(const block_facts& before, std::size_t size) noexcept {
  const bool is_counted =
      before.site != site_table::none && sites.tag_of(before.site) == this_thread().tag;
  const std::size_t counted = is_counted ? before.size : 0;
  return size <= counted || admits(size - counted);
}

// --- pages of managers ---

// What this thread has not published of a tag comes before pages do, for the peak is one of both.
void tracker::publish_own(tag_id tag, tag_record& r) noexcept {
  thread_tally* const t = this_thread().tally;
  if (t == nullptr) return;
  tag_page* const page = t->tags[tag / tag_page::size];
  if (page != nullptr) publish(page->cells[tag % tag_page::size], r.live, r.peak);
}

bool tracker::charge_pages(tag_id tag, std::size_t size) noexcept {
  if (tag >= tags.size()) return true;  // the table was given back: the process ends
  tag_record& r = tags[tag];
  publish_own(tag, r);
  const auto change = static_cast<std::int64_t>(size);
  std::int64_t live = r.live.load(std::memory_order_relaxed);
  do {
    const std::size_t hard = load_relaxed(r.budget.hard);
    if (hard != tag_budget::none && !fits(bytes_of(live), size, hard)) {
      (void)admits(tag, size);  // tells the user
      return false;
    }
  } while (!r.live.compare_exchange_weak(live, live + change, std::memory_order_relaxed));
  r.pages.fetch_add(change, std::memory_order_relaxed);
  pages_.fetch_add(change, std::memory_order_relaxed);
  raise(r.peak, live + change);
  tell(tag, r, live + change);
  return true;
}

void tracker::discharge_pages(tag_id tag, std::size_t size) noexcept {
  if (tag >= tags.size()) return;
  tag_record& r = tags[tag];
  publish_own(tag, r);
  const auto change = static_cast<std::int64_t>(size);
  r.pages.fetch_sub(change, std::memory_order_relaxed);
  pages_.fetch_sub(change, std::memory_order_relaxed);
  const std::int64_t before = r.live.fetch_sub(change, std::memory_order_relaxed);
  tell(tag, r, before - change);
}

// --- blocks without a tag ---

void tracker::meet_untagged(site_id site, std::size_t size) noexcept {
  untagged_blocks_.fetch_add(1, std::memory_order_relaxed);
  untagged_bytes_.fetch_add(size, std::memory_order_relaxed);
  const untagged_policy policy = load_relaxed(settings_.untagged);
  if (policy == untagged_policy::count || policy == untagged_policy::ignore) return;
  if (!sites.mark_told(site) && policy != untagged_policy::abort) return;
  const site_key where = sites.key_of(site);
  os::line line;
  line.text("ashlar: untagged allocation of ").decimal(size).text(" bytes");
  if (where.file != nullptr) line.text(" at ").text(where.file).text(":").decimal(where.line);
  os::write_line(line);
  for (std::uint32_t i = 0; i < where.frame_count && i < 8; ++i)
    os::write_line(frame_line(i, where.frames[i]));
  if (policy == untagged_policy::abort) ::abort();
}

// --- time marks ---

std::uint32_t tracker::begin_period() noexcept {
  lock_guard guard(mutex_);
  if (start_ns_ == 0) return 0;
  const std::uint32_t now = now_ms();
  step_clock();
  return now;
}

// What is born from here on is younger, within the same millisecond too.
void tracker::step_clock() noexcept { store_relaxed(start_ns_, start_ns_ - 1'000'000); }

// Requires: the lock.
void tracker::set_mark(time_mark& m, std::int64_t live) const noexcept {
  m.at_ms = now_ms();
  m.frame = frame_count_;
  m.live_bytes = live;
  m.page_bytes = page_bytes();
}

void tracker::mark(const char* name) noexcept {
  const std::int64_t live = live_bytes();
  lock_guard guard(mutex_);
  if (start_ns_ == 0 || !marks_.ensure(mark_count_ + 1)) return;
  time_mark& m = marks_[mark_count_];
  const std::size_t size = std::strlen(name);
  const std::size_t kept = size < time_mark::name_capacity ? size : time_mark::name_capacity - 1;
  std::memcpy(m.name, name, kept);
  m.name[kept] = 0;
  set_mark(m, live);
  step_clock();
  // release: whoever sees the count sees the mark.
  store_release(mark_count_, mark_count_ + 1);
}

void tracker::begin_frame() noexcept {
  const std::int64_t live = live_bytes();
  std::uint32_t number = 0;
  {
    lock_guard guard(mutex_);
    if (start_ns_ == 0 || !frames_.ensure(frames_kept)) return;
    number = frame_count_ + 1;
    store_relaxed(frame_count_, number);
    set_mark(frames_[number % frames_kept], live);
    if (on_frame != nullptr) step_clock();
  }
  if (on_frame != nullptr) on_frame(number);
}

}  // namespace ashlar::observe
