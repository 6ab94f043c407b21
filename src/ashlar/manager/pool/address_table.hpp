// SPDX-License-Identifier: MIT
// Which address ranges are ours: a hash table from a range's number to what stands there.
//
// Masking a pointer finds the header of its slab only if there is one, and reading where nothing is
// mapped ends the program. This table answers for any pointer whatever, without touching it.
// Open addressing with linear probing, at most half full, no tombstones: what follows a removed
// entry moves up. The first few entries lie in the table itself; more room comes from the upstream.
//
// Threads: thread-compatible. Cost: one multiplication and one or two loads for a search.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/manager/memory.hpp"

namespace ashlar {

class ASHLAR_EXPORT address_table {
 public:
  constexpr address_table() = default;
  address_table(const address_table&) = delete;
  address_table& operator=(const address_table&) = delete;

  /// Makes room for `more` further entries. Returns false if `upstream` has no memory for that.
  bool reserve(std::size_t more, memory upstream) noexcept;
  /// Enters a number that is not in the table. Requires: room was reserved.
  void insert(std::uintptr_t number, void* value) noexcept;
  /// Takes a number out that is in the table.
  void erase(std::uintptr_t number) noexcept;
  /// Returns what stands at a number, or null.
  void* find(std::uintptr_t number) const noexcept {
    const entry* const table = entries();
    for (std::size_t i = home_of(number); table[i].value != nullptr; i = (i + 1) & mask_)
      if (table[i].number == number) return table[i].value;
    return nullptr;
  }
  /// Enters all entries of another table. Requires: room was reserved.
  void insert_all(const address_table& other) noexcept;
  /// Calls `visit(number, value)` for each entry. Must not change the table.
  template <class Visit>
  void for_each(Visit visit) const {
    for (std::size_t i = 0; i <= mask_; ++i)
      if (const entry& e = entries()[i]; e.value != nullptr) visit(e.number, e.value);
  }
  /// Forgets all entries and gives the room back.
  void clear(memory upstream) noexcept;

  std::size_t count() const { return count_; }
  /// Bytes taken from the upstream.
  std::size_t held() const { return load_relaxed(held_); }

 private:
  struct entry {
    std::uintptr_t number = 0;
    void* value = nullptr;  // null: nothing here
  };
  static constexpr std::size_t inline_entries = 8;

  const entry* entries() const { return more_ != nullptr ? more_ : inline_; }
  entry* entries() { return more_ != nullptr ? more_ : inline_; }
  std::size_t home_of(std::uintptr_t number) const {
    // The high bits of the product depend on all bits of the number (Knuth's multiplicative hash).
    return static_cast<std::size_t>(number * 0x9e3779b97f4a7c15u >> 32) & mask_;
  }
  void give_room_back(memory upstream) noexcept;

  entry inline_[inline_entries] = {};
  entry* more_ = nullptr;
  std::size_t mask_ = inline_entries - 1;
  std::size_t count_ = 0;
  std::size_t held_ = 0;
};

}  // namespace ashlar
