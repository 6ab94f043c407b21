// SPDX-License-Identifier: MIT
// What a debug manager knows of its blocks: records outside of the memory that they describe, so
// that a block which was overwritten or given back can still be told of.
//
// A record is in the tree, by address, and in one list, by state: live (oldest first), quarantined,
// gone. Invariants: (1) the memory of records does not overlap; (2) a gone one leaves when its
// memory is handed out again. Threads: one at a time; `count` any
// time. Memory: the OS's, 176 bytes a block.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/observe/table/growing_table.hpp"
#include "ashlar/observe/table/site_table.hpp"
#include "ashlar/structure/intrusive_list.hpp"
#include "ashlar/structure/red_black_tree.hpp"

namespace ashlar::detail {

enum class debug_state : std::uint8_t { unused, live, quarantined, gone };

struct debug_record {
  debug_record* child[2];
  debug_record* parent;
  debug_record* next;  // in the list of its state
  debug_record* prev;

  std::byte* data;  // the caller's block
  std::size_t size;
  std::size_t alignment;
  std::byte* memory;  // the inner manager's block around it
  std::size_t taken;
  std::size_t memory_alignment;
  std::byte* pages;  // null: not on pages of its own
  std::size_t pages_size;

  std::uint64_t sequence;
  std::uint64_t frame;
  observe::site_id born_at;
  observe::site_id freed_at;
  std::uint32_t born_by;  // threads
  std::uint32_t freed_by;
  std::uint16_t guard;
  std::uint16_t tag;
  debug_state state;
  bool is_red;
  bool has_header;
  bool is_filled;    // with the pattern of free blocks
  bool is_reported;  // its damage
  bool is_old;       // and was reported so

  bool contains(std::uintptr_t address) const {
    return address - reinterpret_cast<std::uintptr_t>(memory) < taken;
  }
};

class debug_book {
 public:
  static constexpr std::size_t most_blocks = std::size_t{1} << 22;

  constexpr debug_book() = default;
  ~debug_book() { table_.release(); }
  debug_book(const debug_book&) = delete;
  debug_book& operator=(const debug_book&) = delete;

  /// Returns a record that is in no list, or null if there is no memory.
  debug_record* take() noexcept;
  /// Takes one back that is in no list.
  void give_back(debug_record& r) noexcept;

  /// Enters a live block. Gone ones in its memory are forgotten.
  void enter(debug_record& r) noexcept;
  /// Moves a block to the list of another state.
  void move(debug_record& r, debug_state state) noexcept;
  /// Forgets a block.
  void erase(debug_record& r) noexcept;

  /// Returns the block at `data`, or null.
  debug_record* find(const void* data) const noexcept;
  /// Returns the block that `p` lies in, guards included, or null.
  debug_record* containing(const void* p) const noexcept;
  /// Returns the nearest block before or behind, or null.
  debug_record* neighbour(const debug_record& r, bool behind) const noexcept;

  debug_record* oldest(debug_state state) const noexcept { return list_of(state).front(); }
  debug_record* newest(debug_state state) const noexcept { return list_of(state).back(); }
  std::size_t count(debug_state state) const noexcept {
    return load_relaxed(counts_[static_cast<std::size_t>(state)]);
  }

 private:
  struct access {
    using link = debug_record*;
    static constexpr link none = nullptr;
    link child(link n, unsigned side) const { return n->child[side]; }
    void set_child(link n, unsigned side, link c) const { n->child[side] = c; }
    link parent(link n) const { return n->parent; }
    void set_parent(link n, link p) const { n->parent = p; }
    bool is_red(link n) const { return n->is_red; }
    void set_red(link n, bool red) const { n->is_red = red; }
    bool before(link a, link b) const { return a->data < b->data; }
  };
  using list = intrusive_list<debug_record>;

  list& list_of(debug_state state) noexcept { return lists_[static_cast<std::size_t>(state)]; }
  const list& list_of(debug_state state) const noexcept {
    return lists_[static_cast<std::size_t>(state)];
  }
  debug_record* at_or_before(const void* p) const noexcept;
  void put(debug_record& r, debug_state state) noexcept;
  void remove(debug_record& r) noexcept;

  red_black_tree<access> tree_;
  list lists_[4];
  std::size_t counts_[4] = {};
  std::size_t used_ = 0;
  observe::growing_table<debug_record, most_blocks> table_;
};

}  // namespace ashlar::detail
