// SPDX-License-Identifier: MIT
// The places that allocate: each distinct call stack under each tag gets a number, once.
//
// A site is what a tracked block remembers of its origin, in four bytes. It is made of the tag, the
// place in the source where the API carries one (`std::source_location`), and return addresses,
// innermost first. Symbols and lines are the reader's work, in another process.
//
// Interning looks a hash up in an open table without a lock; only a stack that was never seen takes
// the lock. Nothing is ever removed. When a table is full, further stacks of each tag share one
// site, which has no frames: so blocks keep their tags. A tag has that site from its first stack
// on; there is room for those of some tags that come later still.
// Slots are hit at random, so each page of them is soon in memory: there are three tables, each
// eight times the one before, and all sites move on to the next when one is three quarters full. A
// reader who still has the old one finds all older sites there, and meets the lock for newer ones.
// A slot holds bits of its site's hash beside the number: of the sites that a search passes nearly
// none is looked at, each of which would be a cache miss where there are many.
//
// Invariants: (1) a slot once set never changes; (2) the entry of a number that was handed out is
// complete: the slot is stored with release, after the entry; (3) a table is current only once all
// sites are in it.
// Threads: thread-safe. Cost: about 2 ns a frame for a stack that is known, half of it for the
// hash, which a thread that keeps its last walk has already.
#pragma once

#include <cstddef>
#include <cstdint>
#include <source_location>

#include "ashlar/observe/stack_hash.hpp"
#include "ashlar/observe/table/growing_table.hpp"
#include "ashlar/observe/tag.hpp"
#include "ashlar/structure/lock.hpp"

namespace ashlar::observe {

using site_id = std::uint32_t;

/// What a site is known by. `frames` are return addresses, innermost first.
struct site_key {
  const std::uintptr_t* frames = nullptr;
  std::uint32_t frame_count = 0;
  tag_id tag = 0;
  /// Texts of static storage; null: not known.
  const char* file = nullptr;
  const char* function = nullptr;
  std::uint32_t line = 0;

  void set_place(const std::source_location& where) {
    file = where.file_name();
    function = where.function_name();
    line = where.line();
  }
};

class site_table {
 public:
  static constexpr std::uint32_t most_slots = 1u << 20;
  /// From here on there are no new sites but those of tags for what came too late.
  static constexpr std::uint32_t capacity = most_slots / 4 * 3;
  /// Above any number.
  static constexpr std::uint32_t limit = capacity + most_tags;

  /// No site: of a block that is not tracked.
  static constexpr site_id none = 0;
  /// The site of all untagged stacks that came after the table was full.
  static constexpr site_id overflow = 1;

  constexpr site_table() = default;

  /// Makes the table usable. Errors: false if there is no memory.
  bool start() noexcept;

  /// Returns the number of a site, which is new or known. Requires: it was started.
  site_id intern(const site_key& key) noexcept {
    return intern(key, stack_hash(key.frames, key.frame_count));
  }
  /// The same, given the hash of the key's frames.
  site_id intern(const site_key& key, std::uint64_t frames_hash) noexcept;

  /// Returns what a number stands for. Requires: it was returned by `intern`.
  site_key key_of(site_id id) const noexcept;

  /// Returns the tag of a site. As `key_of`, quicker.
  tag_id tag_of(site_id id) const noexcept { return entries_[id].tag; }

  /// Returns true the first time that it is called for a site: what is said of it is said once.
  bool mark_told(site_id id) noexcept {
    return !__atomic_exchange_n(&entries_[id].is_told, true, __ATOMIC_RELAXED);
  }

  /// One more than the largest number handed out.
  std::uint32_t size() const { return __atomic_load_n(&count_, __ATOMIC_ACQUIRE); }

  /// Bytes that the table takes up.
  std::size_t committed() const {
    std::size_t sum = entries_.committed() + words_.committed();
    for (const growing_space& table : slots_) sum += table.committed();
    return sum;
  }

  /// Gives all of it back. No number may be used any more.
  void release() noexcept;

  /// Calls `visit(range)` for the address space of each table.
  template <class Visitor>
  void for_each_range(Visitor visit) const {
    for (const growing_space& table : slots_) visit(table.reserved());
    visit(entries_.reserved());
    visit(words_.reserved());
  }

  lock& mutex() { return mutex_; }

 private:
  static constexpr std::uint32_t table_count = 3;
  static constexpr std::uint32_t slot_counts[table_count] = {1u << 14, 1u << 17, most_slots};
  static constexpr std::uint32_t spare_entries = 256;  // for tags that come too late
  static constexpr std::size_t most_words = std::size_t{1} << 24;

  struct entry {
    std::uint64_t hash;
    const char* file;
    const char* function;
    std::uint32_t line;
    std::uint32_t first_word;
    std::uint16_t frame_count;
    tag_id tag;
    bool is_told;
  };

  /// A site's number in the lower bits, of its hash the lowest bits above: others than those that
  /// the place of a slot is found by. 0: empty.
  using slot = std::uint32_t;
  static constexpr unsigned number_bits = 20;
  static_assert(limit <= 1u << number_bits);

  static constexpr slot slot_of(site_id id, std::uint64_t hash) {
    return id | static_cast<slot>(hash << number_bits);
  }
  static constexpr site_id number_in(slot s) { return s & ((1u << number_bits) - 1); }
  /// Whether a slot may hold a site of that hash.
  static constexpr bool may_be(slot s, std::uint64_t hash) {
    return (s ^ slot_of(0, hash)) >> number_bits == 0;
  }

  static_assert(most_tags <= slot_counts[0] / 4, "what is never used for sites is for overflows");

  slot* slots(std::uint32_t table) const { return reinterpret_cast<slot*>(slots_[table].data()); }
  static std::uint64_t hash_of(const site_key& key, std::uint64_t frames_hash) noexcept;
  bool matches(const entry& e, std::uint64_t hash, const site_key& key) const noexcept;
  site_id find(std::uint64_t hash, const site_key& key, slot*& where) const noexcept;
  bool make_room() noexcept;
  bool has_room(std::uint32_t words) noexcept;
  site_id add(std::uint64_t hash, const site_key& key) noexcept;
  site_id add_overflow(tag_id tag) noexcept;
  site_id enter(std::uint64_t hash, const site_key& key) noexcept;

  lock mutex_;
  std::uint32_t count_ = 0;
  std::uint32_t words_used_ = 0;
  std::uint32_t current_ = 0;  // the table that all sites are in
  // Open addressing.
  growing_space slots_[table_count] = {growing_space(slot_counts[0] * sizeof(slot)),
                                       growing_space(slot_counts[1] * sizeof(slot)),
                                       growing_space(slot_counts[2] * sizeof(slot))};
  growing_table<entry, limit> entries_;
  growing_table<std::uintptr_t, most_words> words_;
};

}  // namespace ashlar::observe
