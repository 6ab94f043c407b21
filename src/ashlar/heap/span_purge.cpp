// SPDX-License-Identifier: MIT
// When pages of free spans go back to the OS. The policy is told in span_store.hpp.
#include <bit>

#include "ashlar/base/poison.hpp"
#include "ashlar/heap/span_store.hpp"
#include "ashlar/os/clock.hpp"

namespace ashlar {

namespace {

// A tick is 100 ms: the cheap clock moves every 4 ms or so.
constexpr std::uint64_t tick_ns = 100'000'000;

// Purged slices that are wanted again within ten ticks were purged too early.
constexpr std::uint32_t regret_ticks = 10;

// How long the low-water mark is watched. Shorter windows take loops of the program apart that are
// longer than that; with longer ones idle memory stays longer.
constexpr std::uint32_t window_ticks = 5;

}  // namespace

void span_store::note_demand(std::uint32_t purged_slices) noexcept {
  if (dirty_slices_ < low_water_) low_water_ = dirty_slices_;
  if (purged_slices == 0 || last_tick_ - last_purge_ > regret_ticks) return;
  regretted_ += 8 * std::size_t{purged_slices};
  if (regretted_ > peak_slices_) regretted_ = peak_slices_;
}

std::uint32_t span_store::current_tick() noexcept {
  return static_cast<std::uint32_t>(os::coarse_ns() / tick_ns);
}

bool span_store::tick() noexcept {
  if (!can_purge()) return false;
  const std::uint32_t now = current_tick();
  lock_guard guard(mutex_);
  decay(now);
  return dirty_slices_ != 0;
}

std::size_t span_store::dirty_bound() const noexcept {
  const std::size_t room = peak_slices_ + headroom - used_slices_;
  return (room < retained ? room : retained) + regretted_;
}

// Requires the lock, and releases it around calls into the OS.
void span_store::keep_bound() noexcept {
  const std::size_t bound = dirty_bound();
  if (dirty_slices_ <= bound || !can_purge()) return;
  store_relaxed(purge_count_, purge_count_ + 1);
  purge_until(bound - headroom / 4);  // not just to the bound: the next call would be back at once
}

// Requires the lock, and releases it around calls into the OS.
void span_store::decay(std::uint32_t now) noexcept {
  if (!can_purge()) return;
  // Another thread may have moved the time on while this one waited for the lock.
  if (static_cast<std::int32_t>(now - last_tick_) <= 0) return;
  last_tick_ = now;
  const std::uint32_t watched = now - window_start_;
  if (watched < window_ticks) return;
  if (low_water_ > dirty_slices_) low_water_ = dirty_slices_;
  const std::uint32_t halvings = 2 * watched / window_ticks;
  std::size_t kept = halvings < 32 ? low_water_ >> halvings : 0;
  if (kept < 16) kept = 0;  // below 1 MiB dividing would take for ever
  if (low_water_ > kept) purge_until(dirty_slices_ - (low_water_ - kept));
  if (now - last_purge_ > regret_ticks) regretted_ -= regretted_ / 4;
  low_water_ = dirty_slices_;
  window_start_ = now;
}

std::size_t span_store::purge(std::size_t target) noexcept {
  if (!can_purge()) return 0;
  lock_guard guard(mutex_);
  return purge_until(target / slice_size);
}

// The longest spans first: one call into the OS for many pages. Of one length, the oldest.
slice_record* span_store::next_victim() noexcept {
  const free_lists& lists = free_[1];
  for (std::uint32_t w = list_count / 64; w-- > 0;) {
    if (lists.occupied[w] == 0) continue;
    const auto bit = static_cast<std::uint32_t>(63 - std::countl_zero(lists.occupied[w]));
    return lists.lists[w * 64 + bit].back();
  }
  return nullptr;
}

// Requires the lock; releases and takes it again around each call into the OS.
std::size_t span_store::purge_until(std::size_t target_slices) noexcept {
  std::size_t purged = 0;
  while (dirty_slices_ > target_slices) {
    slice_record* const victim = next_victim();
    if (victim == nullptr) break;
    const std::size_t before = dirty_slices_;
    if (!purge_span(*victim, before - target_slices)) break;
    purged += before > dirty_slices_ ? before - dirty_slices_ : 0;
  }
  if (purged != 0) last_purge_ = last_tick_;
  return purged * slice_size;
}

// Discards up to `most` dirty slices, the last ones first: requests are served from the start of a
// span, so its end is wanted last. Returns how many. No lock is held.
std::uint32_t span_store::discard_from_end(slice_record& first, std::uint32_t length,
                                           std::size_t most) noexcept {
  std::byte* const base = address_of_record(first);
  std::uint32_t done = 0;
  std::uint32_t end = length;
  while (end != 0 && done < most) {
    if ((&first + end - 1)->state != slice_state::dirty) {
      --end;
      continue;
    }
    std::uint32_t begin = end;
    while (begin != 0 && (&first + begin - 1)->state == slice_state::dirty &&
           done + (end - begin) < most)
      --begin;
    const os::range pages = {base + begin * slice_size, (end - begin) * slice_size};
    if (hidden_) poison::show_defined(pages.data, pages.size);
    const bool went = os_->discard(pages);
    if (hidden_) poison::hide(pages.data, pages.size);
    if (!went) break;
    for (std::uint32_t i = begin; i < end; ++i) (&first + i)->state = slice_state::purged;
    done += end - begin;
    end = begin;
  }
  return done;
}

// The span leaves the free lists while its pages go, so that nobody hands it out meanwhile.
// Returns whether anything went.
bool span_store::purge_span(slice_record& first, std::size_t most) noexcept {
  remove(first);
  const std::uint32_t length = first.length;
  store_relaxed(dirty_slices_, dirty_slices_ - first.dirty);
  set_length(first, length, false);
  purging_slices_ += length;
  mutex_.release();
  const std::uint32_t done = discard_from_end(first, length, most);
  mutex_.acquire();
  purging_slices_ -= length;
  give(first, length);
  return done != 0;
}

}  // namespace ashlar
