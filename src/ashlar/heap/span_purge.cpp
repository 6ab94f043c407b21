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

std::uint32_t current_tick() { return static_cast<std::uint32_t>(os::coarse_ns() / tick_ns); }

}  // namespace

void span_store::note_demand(std::uint32_t purged_slices) noexcept {
  if (purged_slices == 0 || last_tick_ - last_purge_ > regret_ticks) return;
  // Never more than a quarter of the peak above the start value.
  const std::size_t most = initial_retained + peak_slices_ / 4;
  std::size_t more = retained_ + purged_slices;
  if (more > most) more = most;
  if (more > retained_) retained_ = more;
}

void span_store::tick() noexcept {
  const std::uint32_t now = current_tick();
  if (now == load_relaxed(last_tick_) && load_relaxed(dirty_slices_) <= load_relaxed(retained_))
    return;
  mutex_.acquire();
  if (dirty_slices_ > retained_ && source_.discard != nullptr) {
    // Down to three quarters, so that the next free does not come back at once.
    purge_until(retained_ - retained_ / 4, now + 1);
  }
  if (now != last_tick_) {
    const std::uint32_t elapsed = now - last_tick_;
    last_tick_ = now;
    if (retained_ > initial_retained && now - last_purge_ > regret_ticks)
      retained_ -= (retained_ - initial_retained) / 8;
    if (source_.discard != nullptr) {
      std::size_t target = dirty_slices_;
      for (std::uint32_t i = 0; i < elapsed && i < 32; ++i) target -= target / 5 + (target != 0);
      purge_until(target, now - 1);
    }
  }
  mutex_.release();
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
    purged += victim->dirty;
    purge_span(*victim);
  }
  if (purged != 0) last_purge_ = last_tick_;
  return purged * slice_size;
}

// The span leaves the free lists while its pages go, so that nobody hands it out meanwhile.
void span_store::purge_span(slice_record& first) noexcept {
  remove(first);
  const std::uint32_t length = first.length;
  const std::uint32_t freed_at = first.freed_at;
  dirty_slices_ -= first.dirty;
  set_length(first, length, false);
  std::byte* const base = address_of_record(first);
  mutex_.release();

  for (std::uint32_t i = 0; i < length;) {
    if ((&first + i)->state != slice_state::dirty) {
      ++i;
      continue;
    }
    std::uint32_t end = i;
    while (end < length && (&first + end)->state == slice_state::dirty) ++end;
    const os::range run = {base + i * slice_size, (end - i) * slice_size};
    const bool gone = source_.discard(source_.context, run);
    for (; i < end; ++i)
      (&first + i)->state = gone ? slice_state::purged : slice_state::dirty;
    if (!gone) break;
  }

  mutex_.acquire();
  give(first, length);
  (void)freed_at;
}

}  // namespace ashlar
