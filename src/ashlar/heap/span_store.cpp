// SPDX-License-Identifier: MIT
#include "ashlar/heap/span_store.hpp"

#include <algorithm>
#include <bit>

#include "ashlar/base/poison.hpp"
#include "ashlar/heap/metadata_store.hpp"
#include "ashlar/os/process.hpp"
#include "ashlar/os/thread.hpp"

namespace ashlar {

namespace {

// Committing ahead saves system calls; under strict overcommit it costs charge. An eighth of what
// the region has committed keeps both small.
constexpr std::size_t smallest_region = 4_MiB;  // unless a request is smaller and nothing else fits
constexpr std::size_t most_share = 16;          // of a limited address space: this part of it
constexpr std::uint32_t smallest_commit = 16;   // 1 MiB
constexpr std::uint32_t largest_commit = 1024;  // 64 MiB

}  // namespace

void span_store::initialize(os_manager& os, const manager* owner, bool hidden) noexcept {
  os_ = &os;
  owner_ = owner;
  hidden_ = hidden;
  last_tick_ = window_start_ = current_tick();
}

std::uint32_t span_store::list_of(std::uint32_t length) {
  if (length < exact_lists) return length;
  const unsigned doubling = log2_floor(length);  // 5 and up
  const std::uint32_t quarter = (length >> (doubling - 2)) & 3;
  return exact_lists + (doubling - 5) * 4 + quarter;
}

std::byte* span_store::address_of_record(const slice_record& r) const {
  const region& home = regions_[r.region];
  return home.base + static_cast<std::size_t>(&r - home.records) * slice_size;
}

void span_store::set_length(slice_record& first, std::uint32_t slices, bool free) noexcept {
  slice_record& last = *(&first + slices - 1);
  first.length = last.length = slices;
  first.free = last.free = free;
}

slice_record* span_store::find(const free_lists& lists, std::uint32_t slices) const {
  const std::uint32_t list = list_of(slices);
  if (list >= exact_lists) {  // lengths differ inside these: best fit of this list
    slice_record* best = nullptr;
    for (slice_record* r = lists.lists[list].front(); r != nullptr; r = r->next)
      if (r->length >= slices && (best == nullptr || r->length < best->length)) best = r;
    if (best != nullptr) return best;
  }
  // Any span of a longer list fits, and those of the next occupied one fit best.
  std::uint32_t from = list < exact_lists ? list : list + 1;
  for (std::uint32_t w = from / 64; w < list_count / 64; ++w, from = w * 64) {
    const std::uint64_t bits = lists.occupied[w] & (~std::uint64_t{0} << (from % 64));
    if (bits != 0)
      return lists.lists[w * 64 + static_cast<std::uint32_t>(std::countr_zero(bits))].front();
  }
  return nullptr;
}

void span_store::insert(slice_record& first) noexcept {
  const std::uint32_t list = list_of(first.length);
  free_lists& lists = free_[first.dirty != 0];
  lists.lists[list].push_front(first);
  lists.occupied[list / 64] |= std::uint64_t{1} << (list % 64);
}

void span_store::remove(slice_record& first) noexcept {
  const std::uint32_t list = list_of(first.length);
  free_lists& lists = free_[first.dirty != 0];
  lists.lists[list].remove(first);
  if (lists.lists[list].empty()) lists.occupied[list / 64] &= ~(std::uint64_t{1} << (list % 64));
}

// As much as the OS manager can have to spare; where it refuses, a quarter of that. Where address
// space is limited (`ulimit -v`), stacks of threads and files need most of it.
os::range span_store::reserve_region(std::size_t size) noexcept {
  const std::size_t share = align_down(os::address_space_limit() / most_share, slice_size);
  std::size_t wanted = std::min(os_->generous_reservation(), std::max(share, smallest_region));
  const std::size_t available = os_->available(slice_size);
  if (available != max_size) wanted = align_down(available, slice_size);
  if (wanted < size) wanted = size;
  // Not the thread's tag: a heap serves many, and the process's own counts its blocks.
  const tag_id owner = owner_ != nullptr ? owner_->tag() : tag_id{0};
  while (true) {
    const os::range memory = os_->reserve_for(owner, wanted, slice_size);
    if (memory) {
      if (os_ == &system_os()) (void)os::set_name(memory, "ashlar heap");
      return memory;
    }
    if (wanted == size) return {};
    wanted = align_down(wanted / 4, slice_size);
    if (wanted < smallest_region || wanted < size) wanted = size;
  }
}

slice_record* span_store::add_region(std::uint32_t slices) noexcept {
  std::uint32_t place = 0;
  while (place < region_count_ && regions_[place].base != nullptr) ++place;
  if (place == region_limit) return nullptr;
  const os::range memory = reserve_region(slices * slice_size);
  if (!memory) return nullptr;
  const auto count = static_cast<std::uint32_t>(memory.size / slice_size);
  auto* const records = static_cast<slice_record*>(
      process_metadata.allocate((std::size_t{count} + 2) * sizeof(slice_record)));
  if (records == nullptr) {
    os_->release(memory, 0);
    return nullptr;
  }
  const auto index = static_cast<std::uint16_t>(place);
  region& added = regions_[place];
  if (place == region_count_) ++region_count_;
  added = {memory.data, records + 1, count, 0};
  slice_record& first = added.records[0];
  first.region = index;
  added.records[count - 1].region = index;
  const bool usable = os_->zeroed();  // what may hold anything must not pass for zero
  if (!usable)
    for (std::uint32_t i = 0; i < count; ++i) added.records[i].state = slice_state::dirty;
  set_length(first, count, true);
  first.dirty = usable ? 0 : count;
  if (!usable) store_relaxed(dirty_slices_, dirty_slices_ + count);
  insert(first);
  return &first;
}

status span_store::commit_through(const slice_record& first, std::uint32_t slices) noexcept {
  region& home = regions_[first.region];
  const auto end = static_cast<std::uint32_t>(&first - home.records) + slices;
  if (end <= home.committed) return status::success;
  std::uint32_t step = home.committed / 8;
  if (step < smallest_commit) step = smallest_commit;
  if (step > largest_commit) step = largest_commit;
  std::uint32_t target = home.committed + step;
  if (target < end) target = end;
  if (target > home.slices) target = home.slices;
  const os::range part = {home.base + home.committed * slice_size,
                          (target - home.committed) * slice_size};
  if (!process_page_map.prepare(part.data, part.size).ok()) return status::no_memory;
  if (const status first_try = os_->try_commit(part); first_try != status::success) {
    if (target == end) return first_try;
    const os::range least = {part.data, (end - home.committed) * slice_size};
    if (const status why = os_->try_commit(least); why != status::success) return why;
    target = end;
  }
  home.committed = target;
  return status::success;
}

span span_store::take(slice_record& first, std::uint32_t skip, std::uint32_t slices) noexcept {
  remove(first);
  const std::uint32_t length = first.length;
  const std::uint16_t home = first.region;
  slice_record& start = *(&first + skip);
  start.region = home;
  std::uint32_t dirty = 0;
  std::uint32_t purged = 0;
  for (std::uint32_t i = 0; i < slices; ++i) {
    dirty += (&start + i)->state == slice_state::dirty;
    purged += (&start + i)->state == slice_state::purged;
  }
  std::uint32_t dirty_before = 0;
  if (skip != 0) {
    for (std::uint32_t i = 0; i < skip; ++i)
      dirty_before += (&first + i)->state == slice_state::dirty;
  }
  const std::uint32_t dirty_after = first.dirty - dirty - dirty_before;
  if (skip != 0) {
    set_length(first, skip, true);
    first.dirty = dirty_before;
    insert(first);
  }
  if (const std::uint32_t rest = length - skip - slices; rest != 0) {
    slice_record& tail = *(&start + slices);
    tail.region = (&tail + rest - 1)->region = home;
    set_length(tail, rest, true);
    tail.dirty = dirty_after;
    insert(tail);
  }
  set_length(start, slices, false);
  (&start + slices - 1)->region = home;
  store_relaxed(dirty_slices_, dirty_slices_ - dirty);
  note_demand(purged);
  store_relaxed(used_slices_, used_slices_ + slices);
  if (used_slices_ > peak_slices_) store_relaxed(peak_slices_, used_slices_);
  return {address_of_record(start), &start, slices, dirty == 0 && os_->zeroed()};
}

std::uint32_t span_store::gap_before(const slice_record& first, std::uint32_t alignment) const {
  const std::uintptr_t at = address_of(address_of_record(first)) >> slice_shift;
  return static_cast<std::uint32_t>(align_up(at, alignment) - at);
}

// The slow search, for when no span is so long that an aligned one must fit in.
slice_record* span_store::find_aligned(std::uint32_t slices, std::uint32_t alignment) const {
  for (const free_lists* lists : {&free_[1], &free_[0]})
    for (std::uint32_t l = list_of(slices); l < list_count; ++l)
      for (slice_record* r = lists->lists[l].front(); r != nullptr; r = r->next)
        if (r->length >= slices && r->length - slices >= gap_before(*r, alignment)) return r;
  return nullptr;
}

span span_store::allocate(std::uint32_t slices, std::uint32_t alignment) noexcept {
  if (slices >= most_slices || alignment >= most_slices) return {.reason = status::too_large};
  lock_guard guard(mutex_);
  const std::uint32_t needed = slices + alignment - 1;
  slice_record* first = find(free_[1], needed);
  if (first == nullptr) first = find(free_[0], needed);
  if (first == nullptr && alignment > 1) first = find_aligned(slices, alignment);
  if (first == nullptr) first = add_region(needed);
  if (first == nullptr) return {.reason = status::no_memory};
  const std::uint32_t skip = gap_before(*first, alignment);
  (first + skip)->region = first->region;
  if (const status why = commit_through(*(first + skip), slices); why != status::success)
    return {.reason = why};
  const span taken = take(*first, skip, slices);
  keep_bound();
  return taken;
}

void span_store::give(slice_record& first, std::uint32_t slices) noexcept {
  slice_record* start = &first;
  std::uint32_t length = slices;
  std::uint32_t dirty = 0;
  for (std::uint32_t i = 0; i < slices; ++i) dirty += (&first + i)->state == slice_state::dirty;
  store_relaxed(dirty_slices_, dirty_slices_ + dirty);
  // The sentinels at both ends of a region are never free, so coalescing needs no bounds.
  if (slice_record& before = *(start - 1); before.free) {
    slice_record& other = *(start - before.length);
    remove(other);
    length += other.length;
    dirty += other.dirty;
    start = &other;
  }
  if (slice_record& after = *(&first + slices); after.free) {
    remove(after);
    length += after.length;
    dirty += after.dirty;
  }
  (start + length - 1)->region = start->region;
  set_length(*start, length, true);
  start->dirty = dirty;
  insert(*start);
}

void span_store::deallocate(const span& s, bool dirty) noexcept {
  const slice_state state = dirty || !os_->zeroed() ? slice_state::dirty : slice_state::purged;
  const std::uint32_t now = current_tick();
  lock_guard guard(mutex_);
  for (std::uint32_t i = 0; i < s.slices; ++i) (s.record + i)->state = state;
  store_relaxed(used_slices_, used_slices_ - s.slices);
  give(*s.record, s.slices);
  keep_bound();
  if (now != last_tick_) decay(now);
}

bool span_store::try_grow(span& s, std::uint32_t slices, bool& zeroed) noexcept {
  lock_guard guard(mutex_);
  const std::uint32_t more = slices - s.slices;
  slice_record& after = *(s.record + s.slices);
  if (!after.free || after.length < more) return false;
  if (commit_through(after, more) != status::success) return false;
  zeroed = take(after, 0, more).zeroed;
  set_length(*s.record, slices, false);
  s.slices = slices;
  keep_bound();
  return true;
}

void span_store::shrink(span& s, std::uint32_t slices) noexcept {
  const std::uint32_t less = s.slices - slices;
  slice_record& tail = *(s.record + slices);
  tail.region = s.record->region;
  {
    lock_guard guard(mutex_);
    set_length(*s.record, slices, false);
    set_length(tail, less, false);
  }
  deallocate({s.data + slices * slice_size, &tail, less});
  s.slices = slices;
}

bool span_store::move_pages(const span& from, const span& to, std::size_t bytes) noexcept {
  return os_->move_pages({from.data, bytes}, {to.data, bytes});
}

void span_store::lock_for_fork() noexcept {
  mutex_.acquire_for_fork();
  while (purging_slices_ != 0) {
    mutex_.release_after_fork();
    os::yield();
    mutex_.acquire_for_fork();
  }
}

void span_store::release_region(region& r) noexcept {
  process_metadata.deallocate(r.records - 1, (std::size_t{r.slices} + 2) * sizeof(slice_record));
  if (hidden_) poison::show_defined(r.base, r.committed * slice_size);
  os_->release({r.base, r.slices * slice_size}, r.committed * slice_size);
  r = {};
}

bool span_store::release_empty_regions() noexcept {
  // Memory that is accessible as it comes is not what address space is short of; and taken again,
  // it would pass for fresh.
  if (os_ == nullptr || !os_->can_commit()) return false;
  lock_guard guard(mutex_);
  bool any = false;
  for (std::uint32_t i = 0; i < region_count_; ++i) {
    region& r = regions_[i];
    if (r.base == nullptr || !r.records->free || r.records->length != r.slices) continue;
    store_relaxed(dirty_slices_, dirty_slices_ - r.records->dirty);
    remove(*r.records);
    release_region(r);
    any = true;
  }
  return any;
}

void span_store::release() noexcept {
  lock_guard guard(mutex_);
  for (std::uint32_t i = 0; i < region_count_; ++i)
    if (regions_[i].base != nullptr) release_region(regions_[i]);
  region_count_ = 0;
  for (free_lists& lists : free_) lists = {};
  store_relaxed(used_slices_, std::size_t{0});
  store_relaxed(peak_slices_, std::size_t{0});
  store_relaxed(dirty_slices_, std::size_t{0});
  regretted_ = 0;
  low_water_ = 0;
}

span_store::totals span_store::current_totals() const noexcept {
  totals t;
  for (std::uint32_t i = 0; i < region_count_; ++i) {
    t.reserved += regions_[i].slices * slice_size;
    t.committed += regions_[i].committed * slice_size;
    t.metadata += (std::size_t{regions_[i].slices} + 2) * sizeof(slice_record);
  }
  t.used = used_slices_ * slice_size;
  t.dirty = dirty_slices_ * slice_size;
  return t;
}

void span_store::check_invariants() const noexcept {
  std::size_t dirty_total = 0;
  std::size_t used = 0;
  for (std::uint32_t i = 0; i < region_count_; ++i) {
    const region& r = regions_[i];
    bool previous_free = false;
    std::uint32_t s = 0;
    while (s < r.slices) {
      const slice_record& first = r.records[s];
      const slice_record& last = r.records[s + first.length - 1];
      ASHLAR_CHECK(first.length != 0 && s + first.length <= r.slices);
      ASHLAR_CHECK(last.length == first.length && last.free == first.free);
      ASHLAR_CHECK(!(first.free && previous_free));
      std::uint32_t dirty = 0;
      for (std::uint32_t k = s; k < s + first.length; ++k) {
        dirty += first.free && r.records[k].state == slice_state::dirty;
        ASHLAR_CHECK(k < r.committed || !os_->zeroed() || r.records[k].state == slice_state::fresh);
      }
      ASHLAR_CHECK(!first.free || dirty == first.dirty);
      dirty_total += dirty;
      if (!first.free) used += first.length;
      previous_free = first.free;
      s += first.length;
    }
    ASHLAR_CHECK(s == r.slices);
  }
  ASHLAR_CHECK(dirty_total == dirty_slices_);
  ASHLAR_CHECK(used == used_slices_ + purging_slices_);
}

}  // namespace ashlar
