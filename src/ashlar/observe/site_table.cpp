// SPDX-License-Identifier: MIT
#include "ashlar/observe/site_table.hpp"

#include <cstring>

namespace ashlar::observe {

namespace {

// One round of a multiplicative hash (the odd constant is 2^64 / golden ratio).
std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
  hash = (hash ^ value) * 0x9e3779b97f4a7c15;
  return hash ^ (hash >> 29);
}

// For one frame or two, a call of memcmp costs more than the comparison.
bool are_equal(const std::uintptr_t* a, const std::uintptr_t* b, std::uint32_t count) {
  if (count > 8) return std::memcmp(a, b, count * sizeof(std::uintptr_t)) == 0;
  for (std::uint32_t i = 0; i < count; ++i)
    if (a[i] != b[i]) return false;
  return true;
}

}  // namespace

std::uint64_t site_table::hash_of(const site_key& key) noexcept {
  std::uint64_t hash = mix(key.tag, address_of(key.file) + key.line);
  for (std::uint32_t i = 0; i < key.frame_count; ++i) hash = mix(hash, key.frames[i]);
  return hash;
}

bool site_table::matches(const entry& e, std::uint64_t hash, const site_key& key) const noexcept {
  return e.hash == hash && e.frame_count == key.frame_count && e.tag == key.tag &&
         e.file == key.file && e.line == key.line &&
         are_equal(&words_[e.first_word], key.frames, key.frame_count);
}

// Returns the site, or `none` and the empty slot where it belongs.
site_id site_table::find(std::uint64_t hash, const site_key& key,
                         std::uint32_t& slot) const noexcept {
  for (slot = static_cast<std::uint32_t>(hash >> 40) % slot_count;;
       slot = (slot + 1) % slot_count) {
    // acquire: pairs with the release in add(); the entry is complete.
    const site_id id = __atomic_load_n(&slots_[slot], __ATOMIC_ACQUIRE);
    if (id == none || matches(entries_[id], hash, key)) return id;
  }
}

site_id site_table::intern(const site_key& key) noexcept {
  const std::uint64_t hash = hash_of(key);
  std::uint32_t slot;
  if (const site_id known = find(hash, key, slot); known != none) return known;
  lock_guard guard(mutex_);
  return add(hash, key);
}

// The first two numbers are `none` and `overflow`: entries without frames.
bool site_table::start() noexcept {
  lock_guard guard(mutex_);
  if (count_ != 0) return true;
  if (!slots_.ensure(slot_count) || !entries_.ensure(2) || !words_.ensure(1)) return false;
  __atomic_store_n(&count_, 2, __ATOMIC_RELEASE);
  return true;
}

// Requires the lock. Another thread may have been quicker.
site_id site_table::add(std::uint64_t hash, const site_key& key) noexcept {
  std::uint32_t slot;
  if (const site_id known = find(hash, key, slot); known != none) return known;
  const site_id id = count_;
  if (id >= most_sites || !entries_.ensure(id + 1) ||
      !words_.ensure(words_used_ + key.frame_count + 1))
    return overflow;
  if (key.frame_count != 0)
    std::memcpy(&words_[words_used_], key.frames, key.frame_count * sizeof(std::uintptr_t));
  entries_[id] = {hash,     key.file,    key.function,
                  key.line, words_used_, static_cast<std::uint16_t>(key.frame_count),
                  key.tag,  false};
  words_used_ += key.frame_count;
  __atomic_store_n(&slots_[slot], id, __ATOMIC_RELEASE);
  __atomic_store_n(&count_, id + 1, __ATOMIC_RELEASE);
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
  slots_.release();
  entries_.release();
  words_.release();
}

}  // namespace ashlar::observe
