// SPDX-License-Identifier: MIT
#include "ashlar/observe/table/site_table.hpp"

#include <cstring>

namespace ashlar::observe {

namespace {

// One round of a multiplicative hash (the odd constant is 2^64 / golden ratio).
std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
  hash = (hash ^ value) * 0x9e3779b97f4a7c15;
  return hash ^ (hash >> 29);
}

// Where a table is searched first; the tables take as many of these bits as they need.
std::uint32_t first_slot(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 40); }

// For one frame or two, a call of memcmp costs more than the comparison.
bool are_equal(const std::uintptr_t* a, const std::uintptr_t* b, std::uint32_t count) {
  if (count > 8) return std::memcmp(a, b, count * sizeof(std::uintptr_t)) == 0;
  for (std::uint32_t i = 0; i < count; ++i)
    if (a[i] != b[i]) return false;
  return true;
}

}  // namespace

std::uint64_t site_table::hash_of(const site_key& key, std::uint64_t frames_hash) noexcept {
  return mix(mix(key.tag, address_of(key.file) + key.line), frames_hash);
}

bool site_table::matches(const entry& e, std::uint64_t hash, const site_key& key) const noexcept {
  return e.hash == hash && e.frame_count == key.frame_count && e.tag == key.tag &&
         e.file == key.file && e.line == key.line &&
         are_equal(&words_[e.first_word], key.frames, key.frame_count);
}

// Returns the site, or `none` and the empty slot where it belongs.
site_id site_table::find(std::uint64_t hash, const site_key& key, slot*& where) const noexcept {
  // acquire: pairs with the release in make_room(); all that it moved is there.
  const std::uint32_t table = __atomic_load_n(&current_, __ATOMIC_ACQUIRE);
  slot* const first = slots(table);
  const std::uint32_t mask = slot_counts[table] - 1;
  for (std::uint32_t i = first_slot(hash) & mask;; i = (i + 1) & mask) {
    where = first + i;
    // acquire: pairs with the release in enter(); the entry is complete.
    const slot found = __atomic_load_n(where, __ATOMIC_ACQUIRE);
    if (found == 0) return none;
    if (may_be(found, hash) && matches(entries_[number_in(found)], hash, key))
      return number_in(found);
  }
}

site_id site_table::intern(const site_key& key, std::uint64_t frames_hash) noexcept {
  const std::uint64_t hash = hash_of(key, frames_hash);
  slot* where;
  if (const site_id known = find(hash, key, where); known != none) return known;
  lock_guard guard(mutex_);
  return add(hash, key);
}

// The first two numbers are `none` and `overflow`: entries without frames.
bool site_table::start() noexcept {
  lock_guard guard(mutex_);
  if (count_ != 0) return true;
  if (!slots_[0].ensure(slot_counts[0] * sizeof(slot)) || !entries_.ensure(2) || !words_.ensure(1))
    return false;
  store_relaxed(count_, static_cast<std::uint32_t>(overflow));
  (void)add_overflow(0);
  return true;
}

// Moves on to the next table if the current one is full. Requires the lock. Errors: false if there
// is no further one, or no memory for it. Then a quarter of the slots is left for overflows.
bool site_table::make_room() noexcept {
  const std::uint32_t table = current_;
  if (count_ < slot_counts[table] / 4 * 3) return true;
  if (table + 1 == table_count) return false;
  if (!slots_[table + 1].ensure(slot_counts[table + 1] * sizeof(slot))) return false;
  slot* const target = slots(table + 1);
  const std::uint32_t mask = slot_counts[table + 1] - 1;
  for (site_id id = overflow; id < count_; ++id) {
    const std::uint64_t hash = entries_[id].hash;
    std::uint32_t i = first_slot(hash) & mask;
    while (target[i] != 0) i = (i + 1) & mask;
    target[i] = slot_of(id, hash);
  }
  __atomic_store_n(&current_, table + 1, __ATOMIC_RELEASE);
  return true;
}

// Whether there is room for one more site. Requires the lock.
bool site_table::has_room(std::uint32_t words) noexcept {
  return make_room() && entries_.ensure(count_ + 1 + spare_entries) &&
         words_.ensure(words_used_ + words + 1);
}

// Requires the lock. Another thread may have been quicker.
site_id site_table::add(std::uint64_t hash, const site_key& key) noexcept {
  slot* where;
  if (const site_id known = find(hash, key, where); known != none) return known;
  const site_id of_late_ones = add_overflow(key.tag);
  return has_room(key.frame_count) ? enter(hash, key) : of_late_ones;
}

// The site of what comes too late under a tag, or under none if there is no room. Requires the
// lock.
site_id site_table::add_overflow(tag_id tag) noexcept {
  const site_key key = {.tag = tag};
  const std::uint64_t hash = hash_of(key, stack_hash(nullptr, 0));
  slot* where;
  if (const site_id known = find(hash, key, where); known != none) return known;
  return entries_.ensure(count_ + 1) ? enter(hash, key) : overflow;
}

// Requires the lock, and room.
site_id site_table::enter(std::uint64_t hash, const site_key& key) noexcept {
  slot* where;
  (void)find(hash, key, where);
  const site_id id = count_;
  if (key.frame_count != 0)
    std::memcpy(&words_[words_used_], key.frames, key.frame_count * sizeof(std::uintptr_t));
  entries_[id] = {hash,     key.file,    key.function,
                  key.line, words_used_, static_cast<std::uint16_t>(key.frame_count),
                  key.tag,  false};
  words_used_ += key.frame_count;
  // The count first: no number is ever found that size() does not cover.
  __atomic_store_n(&count_, id + 1, __ATOMIC_RELEASE);
  __atomic_store_n(where, slot_of(id, hash), __ATOMIC_RELEASE);
  return id;
}

site_key site_table::key_of(site_id id) const noexcept {
  if (id >= size()) return {};
  const entry& e = entries_[id];
  return {e.frame_count != 0 ? &words_[e.first_word] : nullptr,
          e.frame_count,
          e.tag,
          e.file,
          e.function,
          e.line};
}

void site_table::release() noexcept {
  __atomic_store_n(&count_, 0, __ATOMIC_RELAXED);
  words_used_ = 0;
  for (growing_space& table : slots_) table.release();
  current_ = 0;
  entries_.release();
  words_.release();
}

}  // namespace ashlar::observe
