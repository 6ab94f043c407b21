// SPDX-License-Identifier: MIT
// When pages of free spans go back to the OS. The policy is told in span_store.hpp.
#include <bit>

#include "ashlar/heap/span_store.hpp"
#include "ashlar/os/clock.hpp"

namespace ashlar {

namespace {

// A tick is 100 ms, about the resolution that the cheap clock still has to spare.
constexpr std::uint64_t tick_ns = 100'000'000;

// Purged slices that are wanted again within ten ticks were purged too early.
constexpr std::uint32_t regret_ticks = 10;

// After this many ticks without a span operation everything idle goes: 0.8^32 is below 0.1 %.
constexpr std::uint32_t most_ticks = 32;

}  // namespace

void span_store::note_demand(std::uint32_t purged_slices) noexcept {
  if (purged_slices == 0 || last_tick_ - last_purge_ > regret_ticks) return;
  // Never more than a quarter of the peak above the start value.
  const std::size_t most = initial_retained + peak_slices_ / 4;
  std::size_t more = retained_ + purged_slices;
  if (more > most) more = most;
  if (more > retained_) retained_ = more;
}

std::uint32_t span_store::current_tick() noexcept {
  return static_cast<std::uint32_t>(os::coarse_ns() / tick_ns);
}

void span_store::tick() noexcept {
  const std::uint32_t now = current_tick();
  lock_guard guard(mutex_);
  decay(now);
}

// Requires the lock, and releases it around calls into the OS.
void span_store::decay(std::uint32_t now) noexcept {
  if (source_.discard == nullptr) return;
  if (dirty_slices_ > retained_) {
    // Down to three quarters, so that the next free does not come back at once.
    purge_until(retained_ - retained_ / 4, now + 1);
  }
  if (now == last_tick_) return;
  const std::uint32_t elapsed = now - last_tick_;
  last_tick_ = now;
  if (retained_ > initial_retained && now - last_purge_ > regret_ticks)
    retained_ -= (retained_ - initial_retained) / 8;
  std::size_t target = dirty_slices_;
  for (std::uint32_t i = 0; i < elapsed && i < most_ticks; ++i) target -= target / 5 + (target != 0);
  purge_until(target, now - 1);
}

std::size_t span_store::purge(std::size_t target) noexcept {
  if (source_.discard == nullptr) return 0;
  lock_guard guard(mutex_);
  return purge_until(target / slice_size, current_tick() + 1);
}

slice_record* span_store::oldest_dirty(std::uint32_t freed_before) noexcept {
  const free_lists& lists = free_[1];
  for (std::uint32_t w = list_count / 64; w-- > 0;) {
    for (std::uint64_t bits = lists.occupied[w]; bits != 0;) {
      const auto bit = static_cast<std::uint32_t>(63 - std::countl_zero(bits));
      bits &= ~(std::uint64_t{1} << bit);
      slice_record* const oldest = lists.lists[w * 64 + bit].back();
      if (static_cast<std::int32_t>(oldest->freed_at - freed_before) < 0) return oldest;
    }
  }
  return nullptr;
}

// Requires the lock; releases and takes it again around each call into the OS.
std::size_t span_store::purge_until(std::size_t target_slices,
                                    std::uint32_t freed_before) noexcept {
  std::size_t purged = 0;
  while (dirty_slices_ > target_slices) {
    slice_record* const victim = oldest_dirty(freed_before);
    if (victim == nullptr) break;
    const std::size_t dirty = victim->dirty;
    if (!purge_span(*victim)) break;
    purged += dirty;
  }
  if (purged != 0) last_purge_ = last_tick_;
  return purged * slice_size;
}

// The span leaves the free lists while its pages go, so that nobody hands it out meanwhile.
bool span_store::purge_span(slice_record& first) noexcept {
  remove(first);
  const std::uint32_t length = first.length;
  dirty_slices_ -= first.dirty;
  set_length(first, length, false);
  std::byte* const base = address_of_record(first);
  mutex_.release();

  bool gone = true;
  for (std::uint32_t i = 0; i < length && gone;) {
    if ((&first + i)->state != slice_state::dirty) {
      ++i;
      continue;
    }
    std::uint32_t end = i;
    while (end < length && (&first + end)->state == slice_state::dirty) ++end;
    const os::range run = {base + i * slice_size, (end - i) * slice_size};
    gone = source_.discard(source_.context, run);
    for (; gone && i < end; ++i) (&first + i)->state = slice_state::purged;
  }

  mutex_.acquire();
  give(first, length);
  return gone;
}

}  // namespace ashlar
