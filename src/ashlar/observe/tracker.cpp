// SPDX-License-Identifier: MIT
// Births and deaths: what happens for each tracked block. Budgets: tracker_tags.cpp.

#include <cstdint>

// Said here, before anything uses them, and nowhere else: whoever merely uses a weak object would
// not take this file out of an archive.
namespace ashlar::observe {
struct thread_state;
class tracker;
}  // namespace ashlar::observe
extern "C" {
[[gnu::weak]] extern thread_local ashlar::observe::thread_state ashlar_thread_v1;
[[gnu::weak]] extern ashlar::observe::tracker ashlar_tracker_v1;
[[gnu::weak]] extern std::uint32_t ashlar_watch_v1;
}

#include "ashlar/observe/tracker.hpp"
#include "ashlar/os/clock.hpp"

constinit thread_local ashlar::observe::thread_state ashlar_thread_v1;
constinit ashlar::observe::tracker ashlar_tracker_v1;
constinit std::uint32_t ashlar_watch_v1 = 0;

namespace ashlar::observe {

namespace {

// Counters have one writer; others read them meanwhile.
template <class T>
void bump(T& counter, T by) {
  store_relaxed(counter, static_cast<T>(counter + by));
}

}  // namespace

std::uint32_t tracker::now_ms() const noexcept {
  // As many bits as a record has for it; more would differ between a birth and its death.
  constexpr std::uint64_t most = 0x7fff'ffff;
  return static_cast<std::uint32_t>((os::coarse_ns() - start_ns()) / 1'000'000 & most);
}

// --- sites ---

site_id tracker::site_of_walk(const caller& from, tag_id tag, std::uint32_t depth,
                              walk_memo& memo) noexcept {
  const walked_stack stack = walk_stack(from, this_thread().stack, depth, memo.last);
  if (stack.is_same && memo.tag == tag && memo.site != site_table::none) [[likely]]
    return memo.site;
  memo.tag = tag;
  memo.site = sites.intern({.frames = stack.frames, .frame_count = stack.count, .tag = tag},
                           memo.last.hash());
  return memo.site;
}

// Without a memory of walks.
site_id tracker::site_of(const origin& made, tag_id tag) noexcept {
  const mute_scope quiet;
  std::uintptr_t frames[stack_frames_limit];
  frames[0] = address_of(made.from.return_address);
  site_key key = {.tag = tag};
  if (made.place != nullptr) key.set_place(*made.place);
  const std::uint32_t depth = load_relaxed(settings_.depth);
  if (depth > 1)
    key.frame_count = walk_stack(made.from, this_thread().stack, frames, depth);
  else if (made.place == nullptr)
    key.frame_count = 1;
  key.frames = frames;
  return sites.intern(key);
}

site_id tracker::site_of_death(const caller& from) noexcept {
  thread_state& t = this_thread();
  const std::uint32_t depth = load_relaxed(settings_.depth);
  if (depth > 1 && t.tally != nullptr) {
    const mute_scope quiet;
    walk_memo& memo = t.tally->deaths;
    if (const last_walk_use use(memo.last); use) return site_of_walk(from, 0, depth, memo);
  }
  return site_of({.from = from}, 0);
}

// As `site_of`, by way of what the thread remembers: its last walk, or its last callers.
ASHLAR_FORCE_INLINE site_id tracker::site_of_birth(thread_tally* t, const origin& made,
                                                   tag_id tag) noexcept {
  if (made.place != nullptr || t == nullptr) return site_of(made, tag);
  if (const std::uint32_t depth = load_relaxed(settings_.depth); depth > 1) {
    const mute_scope quiet;
    if (const last_walk_use use(t->births.last); use)
      return site_of_walk(made.from, tag, depth, t->births);
    return site_of(made, tag);
  }
  const std::uintptr_t address = address_of(made.from.return_address);
  site_memo& memo = t->memos[(address ^ address >> 6) % std::size(t->memos)];
  if (memo.return_address == address && memo.tag == tag) [[likely]]
    return memo.site;
  memo = {address, site_of(made, tag), tag};
  return memo.site;
}

// --- cells ---

ASHLAR_COLD site_page* tracker::add_page(site_page*& place) noexcept {
  lock_guard guard(mutex_);
  site_page* fresh = unused_site_pages_;
  if (fresh != nullptr) {
    unused_site_pages_ = fresh->next;
    fresh->next = nullptr;
  } else if (site_pages_.ensure(site_page_count_ + 1)) {
    fresh = &site_pages_[site_page_count_++];
  } else {
    return nullptr;
  }
  store_release(place, fresh);
  return fresh;
}

ASHLAR_COLD tag_page* tracker::add_page(tag_page*& place) noexcept {
  lock_guard guard(mutex_);
  tag_page* fresh = unused_tag_pages_;
  if (fresh != nullptr) {
    unused_tag_pages_ = fresh->next;
    fresh->next = nullptr;
  } else if (tag_pages_.ensure(tag_page_count_ + 1)) {
    fresh = &tag_pages_[tag_page_count_++];
  } else {
    return nullptr;
  }
  store_release(place, fresh);
  return fresh;
}

// Null: there is no page for it yet.
ASHLAR_FORCE_INLINE site_cell* tracker::cell_of(thread_tally& t, site_id site) noexcept {
  site_page* const page = t.sites[site / site_page::size];
  return page != nullptr ? &page->cells[site % site_page::size] : nullptr;
}

ASHLAR_FORCE_INLINE tag_cell* tracker::cell_of_tag(thread_tally& t, tag_id tag) noexcept {
  tag_page* const page = t.tags[tag / tag_page::size];
  return page != nullptr ? &page->cells[tag % tag_page::size] : nullptr;
}

ASHLAR_COLD bool tracker::make_cells(thread_tally& t, site_id site, tag_id tag) noexcept {
  site_page*& of_site = t.sites[site / site_page::size];
  tag_page*& of_tag = t.tags[tag / tag_page::size];
  const bool has_site = of_site != nullptr || add_page(of_site) != nullptr;
  const bool has_tag = of_tag != nullptr || add_page(of_tag) != nullptr;
  if (!has_site || !has_tag) lost_.fetch_add(1, std::memory_order_relaxed);
  return has_tag;
}

// --- tags and totals ---

namespace {

// Whether so much waits in a cell that it is to be published.
ASHLAR_FORCE_INLINE bool is_beyond(std::int64_t pending, std::int64_t limit) {
  return static_cast<std::uint64_t>(pending + limit) > static_cast<std::uint64_t>(2 * limit);
}

// Both return whether the cell is to be published. If not, the highest point counts from what is:
// it misses what other threads have not published yet, and what anybody is publishing just now.
ASHLAR_FORCE_INLINE bool hold(tag_cell& cell, std::size_t size,
                              const std::atomic<std::int64_t>& live, std::int64_t limit) {
  const std::int64_t sum = cell.sum + static_cast<std::int64_t>(size);
  store_relaxed(cell.sum, sum);
  const std::int64_t pending = sum - load_relaxed(cell.published);
  const bool is_to_be_published = is_beyond(pending, limit);
  // acquire: what is published is read again after it; else what is pending might count twice.
  const std::int64_t now = live.load(std::memory_order_acquire) + pending;
  if (now > cell.highest && !is_to_be_published && sum - load_relaxed(cell.published) == pending)
    store_relaxed(cell.highest, now);
  return is_to_be_published;
}

ASHLAR_FORCE_INLINE bool let_go(tag_cell& cell, std::size_t size, std::int64_t limit) {
  const std::int64_t sum = cell.sum - static_cast<std::int64_t>(size);
  store_relaxed(cell.sum, sum);
  return is_beyond(sum - load_relaxed(cell.published), limit);
}

}  // namespace

// How much a cell of a tag may keep to itself.
ASHLAR_FORCE_INLINE std::int64_t tracker::limit_of(tag_id tag) const noexcept {
  if (tags.has_budgets() && load_relaxed(tags[tag].is_bounded)) [[unlikely]]
    return 0;
  return load_relaxed(batch_);
}

// Publishes what is due of a tag and of all together. Returns whether `tell_of` is to be called,
// under no lock.
bool tracker::publish_due(thread_tally& t, tag_id tag) noexcept {
  if (is_beyond(t.total.pending(), load_relaxed(batch_))) publish(t.total, live_, peak_);
  tag_cell& cell = *cell_of_tag(t, tag);
  if (!is_beyond(cell.pending(), limit_of(tag))) return false;
  publish(cell, tags[tag].live, tags[tag].peak);
  return true;
}

void tracker::tell_of(tag_id tag) noexcept {
  tag_record& r = tags[tag];
  tell(tag, r, r.live.load(std::memory_order_relaxed));
}

ASHLAR_NO_INLINE void tracker::publish_and_tell(thread_tally& t, tag_id tag) noexcept {
  if (publish_due(t, tag)) tell_of(tag);
}

// For want of memory for a cell: what a tag holds is right all the same.
ASHLAR_COLD void tracker::count_apart(thread_tally& t, tag_id tag, std::int64_t change) noexcept {
  store_relaxed(t.total.sum, t.total.sum + change);
  publish(t.total, live_, peak_);
  tag_record& r = tags[tag];
  r.apart.fetch_add(change, std::memory_order_relaxed);
  raise(r.peak, r.live.fetch_add(change, std::memory_order_relaxed) + change);
}

// --- births and deaths ---
//
// What is rare is left to functions that end the usual way, so that it need not keep registers
// for what comes after.

// Returns whether something is to be published.
ASHLAR_FORCE_INLINE bool tracker::count_birth(thread_tally& t, site_cell& of_site, tag_cell& of_tag,
                                              tag_id tag, block_weight w) noexcept {
  bump(of_site.born_blocks, w.blocks);
  bump(of_site.born_bytes, w.bytes);
  const bool due = hold(t.total, w.bytes, live_, load_relaxed(batch_));
  return hold(of_tag, w.bytes, tags[tag].live, limit_of(tag)) || due;
}

ASHLAR_FORCE_INLINE bool tracker::count_death(thread_tally& t, site_cell& of_site, tag_cell& of_tag,
                                              tag_id tag, block_weight w) noexcept {
  bump(of_site.dead_blocks, w.blocks);
  bump(of_site.dead_bytes, w.bytes);
  const bool due = let_go(t.total, w.bytes, load_relaxed(batch_));
  return let_go(of_tag, w.bytes, limit_of(tag)) || due;
}

namespace {

// A thread without a tally shares its lots with all such threads.
std::uint8_t draw_lot(thread_tally* t, std::atomic<std::uint32_t>& others) {
  return t != nullptr ? t->draw_lot() : lot_of(others.fetch_add(1, std::memory_order_relaxed));
}

}  // namespace

ASHLAR_FORCE_INLINE void tracker::enter_birth(block_record& record, const void* data,
                                              const origin& made, bool sampled) noexcept {
  const std::uint32_t now = now_ms();  // first: little need outlive this call
  thread_state& state = this_thread();
  thread_tally* const t = tally();
  const block_facts facts = {.site = site_of_birth(t, made, state.tag),
                             .size = made.size,
                             .made_by = made.made_by,
                             .sampled = sampled,
                             .thread = t != nullptr ? t->number : std::uint16_t{0},
                             .born = now,
                             .alignment_shift = made.alignment_shift,
                             .lot = sampled ? draw_lot(t, lots_) : std::uint8_t{0},
                             .doublings = made.doublings};
  record.store(facts);
  if (state.tag == 0 && load_relaxed(settings_.untagged) != untagged_policy::ignore) [[unlikely]]
    meet_untagged(facts.site, made.size);
  const block_weight w =
      sampled ? weight_of(facts, data, made.covered) : block_weight{1, made.size};
  if (t == nullptr) [[unlikely]] {
    count_late(facts.site, w, true);
    if (sampled && facts.doublings != 0) count_late_excess(facts, w);
    return;
  }
  state.latest = ~address_of(data);
  state.latest_size = made.size;
  tally_birth(*t, facts.site, w);
  if (sampled && facts.doublings != 0) [[unlikely]]
    tally_excess(*t, facts, w);
}

ASHLAR_FORCE_INLINE void tracker::tally_birth(thread_tally& t, site_id site,
                                              const block_weight& w) noexcept {
  const tag_id tag = sites.tag_of(site);
  site_cell* const of_site = cell_of(t, site);
  tag_cell* const of_tag = cell_of_tag(t, tag);
  if (of_site == nullptr || of_tag == nullptr) [[unlikely]]
    return tally_first_birth(t, site, w);
  if (count_birth(t, *of_site, *of_tag, tag, w)) [[unlikely]]
    publish_and_tell(t, tag);
}

// The first of a site or a tag in its thread. Without memory for cells the tag still counts.
ASHLAR_COLD void tracker::tally_first_birth(thread_tally& t, site_id site,
                                            const block_weight& w) noexcept {
  const tag_id tag = sites.tag_of(site);
  if (!make_cells(t, site, tag)) {
    count_apart(t, tag, static_cast<std::int64_t>(w.bytes));
    return tell_of(tag);
  }
  site_cell nobodys;
  site_cell* const of_site = cell_of(t, site);
  if (count_birth(t, of_site != nullptr ? *of_site : nobodys, *cell_of_tag(t, tag), tag, w))
    publish_and_tell(t, tag);
}

void tracker::note_birth(block_record& record, const void* data, const origin& made) noexcept {
  enter_birth(record, data, made, false);
}

void tracker::note_sampled_birth(block_record& record, const void* data,
                                 const origin& made) noexcept {
  enter_birth(record, data, made, true);
}

void tracker::note_death(block_record& record, const void* data) noexcept {
  const block_facts facts = record.load();
  if (facts.site == site_table::none) return;
  record.clear();
  note_death(facts, data);
}

void tracker::note_death(site_id site, block_weight w, const void* data) noexcept {
  thread_state& state = this_thread();
  thread_tally* const t = state.tally;
  if (t == nullptr) [[unlikely]]
    return tally_first_death(site, w);
  const tag_id tag = sites.tag_of(site);
  site_cell* const of_site = cell_of(*t, site);
  tag_cell* const of_tag = cell_of_tag(*t, tag);
  if (of_site == nullptr || of_tag == nullptr) [[unlikely]]
    return tally_first_death(site, w);
  if (state.latest == ~address_of(data)) bump<std::uint64_t>(of_site->temporary_blocks, 1);
  if (count_death(*t, *of_site, *of_tag, tag, w)) [[unlikely]]
    publish_and_tell(*t, tag);
}

// The first of its thread, or of a site or a tag there; and all of a thread that has ended.
ASHLAR_COLD void tracker::tally_first_death(site_id site, const block_weight& w) noexcept {
  thread_tally* const t = tally();
  if (t == nullptr) return count_late(site, w, false);
  const tag_id tag = sites.tag_of(site);
  if (!make_cells(*t, site, tag)) {
    count_apart(*t, tag, -static_cast<std::int64_t>(w.bytes));
    return tell_of(tag);
  }
  site_cell nobodys;
  site_cell* const of_site = cell_of(*t, site);
  if (count_death(*t, of_site != nullptr ? *of_site : nobodys, *cell_of_tag(*t, tag), tag, w))
    publish_and_tell(*t, tag);
}

// Returns whether `tell_of` is to be called.
ASHLAR_COLD bool tracker::tally_late(thread_tally& t, site_id site, tag_id tag,
                                     const block_weight& w, bool is_birth) noexcept {
  if (!make_cells(t, site, tag)) {
    const auto bytes = static_cast<std::int64_t>(w.bytes);
    count_apart(t, tag, is_birth ? bytes : -bytes);
    return true;
  }
  site_cell nobodys;
  site_cell* const found = cell_of(t, site);
  site_cell& of_site = found != nullptr ? *found : nobodys;
  tag_cell& of_tag = *cell_of_tag(t, tag);
  const bool due =
      is_birth ? count_birth(t, of_site, of_tag, tag, w) : count_death(t, of_site, of_tag, tag, w);
  return due && publish_due(t, tag);
}

// A site may be that of a block of malloc too: the counts are others.
void tracker::note_inner(const inner_manager& from, const void* data, std::size_t size,
                         const caller& by, tag_id tag) noexcept {
  const site_id site = site_of_birth(tally(), {.size = size, .from = by}, tag);
  (void)inner.enter(from, data, size, site);  // it counts what it lost
}

// What threads do that have ended as far as the tracker goes, or for which there was no memory.
void tracker::count_late(site_id site, const block_weight& w, bool is_birth) noexcept {
  const tag_id tag = sites.tag_of(site);
  bool is_published;
  {
    lock_guard guard(late_mutex_);
    if (ended_ == nullptr) {
      lost_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    is_published = tally_late(*ended_, site, tag, w, is_birth);
    thread_summary& all = threads_[0];
    bump(is_birth ? all.born_blocks : all.dead_blocks, w.blocks);
    bump(is_birth ? all.born_bytes : all.dead_bytes, w.bytes);
  }
  // The user's callback may free blocks: this function again.
  if (is_published) tell_of(tag);
}

}  // namespace ashlar::observe
