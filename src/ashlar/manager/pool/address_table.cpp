// SPDX-License-Identifier: MIT
#include "ashlar/manager/pool/address_table.hpp"

namespace ashlar {

bool address_table::reserve(std::size_t more, memory upstream) noexcept {
  std::size_t size = mask_ + 1;
  while (2 * (count_ + more) > size) size *= 2;
  if (size == mask_ + 1) return true;
  const allocation room =
      upstream.allocate_zeroed({size * sizeof(entry), alignof(entry)}, fit::get_no_less);
  if (!room) return false;
  const entry* const old = entries();
  const std::size_t old_size = mask_ + 1;
  auto* const fresh = static_cast<entry*>(room.data());
  mask_ = size - 1;
  for (std::size_t i = 0; i < old_size; ++i) {
    if (old[i].value == nullptr) continue;
    std::size_t at = home_of(old[i].number);
    while (fresh[at].value != nullptr) at = (at + 1) & mask_;
    fresh[at] = old[i];
  }
  give_room_back(upstream);
  more_ = fresh;
  store_relaxed(held_, room.size());
  return true;
}

void address_table::insert(std::uintptr_t number, void* value) noexcept {
  entry* const table = entries();
  std::size_t at = home_of(number);
  while (table[at].value != nullptr) at = (at + 1) & mask_;
  table[at] = {number, value};
  ++count_;
}

void address_table::erase(std::uintptr_t number) noexcept {
  entry* const table = entries();
  std::size_t hole = home_of(number);
  while (table[hole].number != number || table[hole].value == nullptr) hole = (hole + 1) & mask_;
  for (std::size_t i = (hole + 1) & mask_; table[i].value != nullptr; i = (i + 1) & mask_) {
    // An entry may move up to the hole if the hole is not in front of its home.
    const std::size_t home = home_of(table[i].number);
    if (((i - home) & mask_) < ((i - hole) & mask_)) continue;
    table[hole] = table[i];
    hole = i;
  }
  table[hole] = {};
  --count_;
}

void address_table::insert_all(const address_table& other) noexcept {
  const entry* const table = other.entries();
  for (std::size_t i = 0; i <= other.mask_; ++i)
    if (table[i].value != nullptr) insert(table[i].number, table[i].value);
}

void address_table::clear(memory upstream) noexcept {
  give_room_back(upstream);
  more_ = nullptr;
  mask_ = inline_entries - 1;
  count_ = 0;
  store_relaxed(held_, std::size_t{0});
  for (entry& e : inline_) e = {};
}

void address_table::give_room_back(memory upstream) noexcept {
  if (more_ != nullptr) upstream.deallocate({more_, held_}, alignof(entry));
}

}  // namespace ashlar
