// SPDX-License-Identifier: MIT
#include "ashlar/replace/debug/quarantine.hpp"

#include "ashlar/os/address_space.hpp"

namespace ashlar::replace {

std::uint64_t quarantine::cost_of(const dead_block& dead) const noexcept {
  return dead.facts().size + overhead_ + (dead.sealed ? os::page_size() : 0);
}

// Requires: the ring's lock.
void quarantine::tell(ring& r) noexcept {
  told_.fetch_add(r.bytes - r.told, std::memory_order_relaxed);
  r.told = r.bytes;
}

// Doubles the places. Half of the entries find theirs further on; what is left where they were is
// older than all that are known, by its number, so nobody finds it before them. Requires: the
// ring's lock. Errors: without memory nothing changes.
void quarantine::grow(ring& r) noexcept {
  const std::uint64_t before = r.places;
  const std::uint64_t after = before != 0 ? 2 * before : fewest_entries;
  if (!r.entries.ensure(after)) return;
  for (std::uint64_t i = r.end > before ? r.end - before : 0; i != r.end; ++i)
    if ((i & before) != 0) r.entries[i & (after - 1)] = r.at(i);
  store_release(r.places, after);  // for handlers that look without the lock
}

// Requires: the ring's lock. Errors: false if there is no place.
bool quarantine::enter(ring& r, const dead_block& dead) noexcept {
  const std::uint64_t resting = r.end - r.first;
  if (resting == r.places / 2) grow(r);
  if (resting == r.places) return false;
  dead_block& place = r.at(r.end);
  place = dead;
  place.freed_in = static_cast<std::uint16_t>(now() & time_mask);
  if (resting == 0) store_relaxed(r.oldest, std::uint32_t{place.freed_in});
  store_relaxed(r.end, r.end + 1);
  return true;
}

bool quarantine::put(std::uint32_t processor, const dead_block& dead, bool& is_over) noexcept {
  const std::uint64_t cost = cost_of(dead);
  if (cost > most_bytes_) return false;
  ring& r = rings_[processor % ring_count];
  lock_guard guard(r.mutex);
  if (!enter(r, dead)) {
    is_over = true;
    return false;
  }
  store_relaxed(r.bytes, r.bytes + cost);
  if (r.bytes - r.told > most_bytes_ / untold_part) tell(r);
  r.untimed += cost;
  if (r.untimed > most_bytes_ / untold_part) {
    r.untimed = 0;
    time_.fetch_add(1, std::memory_order_relaxed);
  }
  const std::uint64_t known = told_.load(std::memory_order_relaxed) + (r.bytes - r.told);
  is_over = known > most_bytes_ || r.is_nearly_full();
  return true;
}

void quarantine::remember(std::uint32_t processor, const dead_block& dead) noexcept {
  dead_block gone = dead;
  gone.sealed = false;  // its memory goes back to the heap
  gone.freed_in = static_cast<std::uint16_t>(now() & time_mask);
  if (most_bytes_ == 0) {
    ring& r = rings_[processor % ring_count];
    lock_guard guard(r.mutex);
    if (r.end == r.places) grow(r);
    if (enter(r, gone)) store_relaxed(r.first, r.end);
    return;
  }
  lock_guard guard(past_mutex_);
  if (!past_.ensure(past_count)) return;
  past_[past_end_ % past_count] = gone;
  store_relaxed(past_end_, past_end_ + 1);
}

auto quarantine::find_excess(std::uint32_t processor) const noexcept -> excess {
  const std::uint32_t own = processor % ring_count;
  if (rings_[own].is_nearly_full()) return {own, most_bytes_, 0, false};
  std::uint64_t sum = 0;
  std::uint32_t oldest = own;
  std::uint32_t oldest_age = 0;
  std::uint32_t own_age = 0;
  for (std::uint32_t i = 0; i < ring_count; ++i) {
    const std::uint64_t bytes = load_relaxed(rings_[i].bytes);
    if (bytes == 0) continue;
    sum += bytes;
    const std::uint32_t age = age_of(load_relaxed(rings_[i].oldest));
    if (i == own) own_age = age;
    if (age <= oldest_age) continue;
    oldest_age = age;
    oldest = i;
  }
  if (sum <= most_bytes_) return {own, 0, 0, false};
  const bool own_gives = load_relaxed(rings_[own].bytes) != 0 && 2 * own_age >= oldest_age;
  return {own_gives ? own : oldest, sum - wanted_bytes(), oldest_age / 2, false};
}

std::uint32_t quarantine::take(excess& what, dead_block (&out)[most_taken]) noexcept {
  if (what.bytes == 0) return 0;
  ring& r = rings_[what.ring];
  lock_guard guard(r.mutex);
  std::uint32_t count = 0;
  while (count < most_taken && what.bytes != 0 && r.first != r.end &&
         age_of(r.at(r.first).freed_in) >= what.least_age) {
    out[count] = take_first(r);
    const std::uint64_t cost = cost_of(out[count++]);
    what.bytes -= cost < what.bytes ? cost : what.bytes;
  }
  settle(r);
  if (count < most_taken && what.bytes != 0) {
    what.is_part = true;
    what.bytes = 0;
  }
  // Others take out, too, what they found to be too much.
  if (told_.load(std::memory_order_relaxed) <= wanted_bytes()) what = {what.ring, 0, 0, false};
  return count;
}

// Requires: the ring's lock, and a block in it.
dead_block quarantine::take_first(ring& r) noexcept {
  const dead_block dead = r.at(r.first);
  store_relaxed(r.first, r.first + 1);
  store_relaxed(r.bytes, r.bytes - cost_of(dead));
  return dead;
}

// After blocks were taken. Requires: the ring's lock.
void quarantine::settle(ring& r) noexcept {
  if (r.first != r.end) store_relaxed(r.oldest, std::uint32_t{r.at(r.first).freed_in});
  tell(r);
}

std::uint32_t quarantine::take_oldest(dead_block (&out)[most_taken]) noexcept {
  for (ring& r : rings_) {
    lock_guard guard(r.mutex);
    std::uint32_t count = 0;
    while (count < most_taken && r.first != r.end) out[count++] = take_first(r);
    settle(r);
    if (count != 0) return count;
  }
  return 0;
}

// Called in handlers of signals too: where this thread holds a lock it looks without one. Of
// entries in several rings the latest is the one that was freed last; of the same time, that was
// born last.
template <class Predicate>
bool quarantine::find_latest(dead_block& out, Predicate is_it) noexcept {
  const bool locks = locks_of_this_thread == 0;
  bool found = false;
  const auto is_later = [this](const dead_block& d, const dead_block& than) {
    const std::uint32_t age = age_of(d.freed_in);
    const std::uint32_t other = age_of(than.freed_in);
    return age != other ? age < other : d.facts().born > than.facts().born;
  };
  const auto look = [&](lock& mutex, const std::uint64_t& last, const std::uint64_t& places,
                        const auto& entries) {
    if (locks) mutex.acquire();
    const std::uint64_t size = load_relaxed(places);
    const std::uint64_t end = load_relaxed(last);
    const std::uint64_t known = end < size ? end : size;
    for (std::uint64_t i = end; i != end - known;) {
      const dead_block& d = entries[--i % size];
      if (!is_it(d)) continue;
      if (!found || is_later(d, out)) out = d;
      found = true;
      break;
    }
    if (locks) mutex.release();
  };
  for (ring& r : rings_) look(r.mutex, r.end, r.places, r.entries);
  look(past_mutex_, past_end_, past_count, past_);
  return found;
}

bool quarantine::find(const void* p, bool inside, dead_block& out) noexcept {
  return find_latest(out, [p, inside](const dead_block& d) {
    const std::size_t offset = address_of(p) - address_of(d.data);
    return offset == 0 || (inside && offset < d.facts().size);
  });
}

bool quarantine::find_within(const std::byte* begin, const std::byte* end,
                             dead_block& out) noexcept {
  return find_latest(out,
                     [begin, end](const dead_block& d) { return d.data >= begin && d.data < end; });
}

void quarantine::release() noexcept {
  for (ring& r : rings_) {
    r.first = r.end = r.bytes = r.told = r.places = r.untimed = 0;
    r.entries.release();
  }
  past_end_ = 0;
  past_.release();
  told_.store(0, std::memory_order_relaxed);
}

}  // namespace ashlar::replace
