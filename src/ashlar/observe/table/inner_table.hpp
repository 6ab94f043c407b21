// SPDX-License-Identifier: MIT
// Blocks that containers took from managers: which sites made them, and which of them live.
//
// A manager takes pages, or a block, and cuts it into blocks of its own. Nobody tracks these; but
// those that containers take pass through an adapter, and it can tell. They lie inside pages or
// blocks that are counted already, so they are counted apart, and are in no sum and no budget.
//
// Each live one has a record in a tree by address and in the list of its manager, which bears the
// manager's number; the manager keeps that number in its head. A group counts all blocks of one
// site and one label, the label being what the manager was called: it may end long before anybody
// asks. An arena whose end is taken back says which addresses ended, and so blocks end of whatever
// manager stands upon it. A manager that ends its blocks all at once ends its list.
//
// Invariants: (1) for each group, births - deaths = records that name it; (2) of one manager, the
// records do not overlap: a new one ends those that were there, since nobody told; (3) the number
// of a manager that is alive and known here names an entry that points back to it.
// Threads: thread-safe; the counts may be read without the lock. Memory: the OS's, 72 bytes a
// block. Cost: a lock and a search for each block.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/observe/table/growing_table.hpp"
#include "ashlar/observe/table/site_table.hpp"
#include "ashlar/observe/thread_tally.hpp"
#include "ashlar/structure/lock.hpp"
#include "ashlar/structure/red_black_tree.hpp"

namespace ashlar::observe {

/// What a manager was called when its first block was entered.
struct inner_label {
  static constexpr std::size_t kind_capacity = 24;
  static constexpr std::size_t name_capacity = 40;

  char kind[kind_capacity];  // both cut, null-terminated
  char name[name_capacity];  // empty: it had none
};

/// All blocks of one site and one label.
struct inner_group {
  site_cell counts;
  site_id site;
  std::uint32_t label;
  std::uint32_t next;  // of the same site; 0: none
};

/// A manager, as it tells of itself. `number` is its own word, which this table writes; 0: the
/// table does not know it.
struct inner_manager {
  const void* self;
  const char* kind;
  const char* name;  // null: none
  std::uint32_t& number;
};

/// A block that has left the table, and may be put back.
struct inner_facts {
  std::size_t size = 0;
  std::uint32_t group = 0;  // 0: it was not known
};

/// One live block, for readers.
struct inner_block {
  const void* data;
  std::size_t size;
  std::uint32_t group;
  std::uint32_t manager;
};

class inner_table {
 public:
  static constexpr std::size_t most_blocks = std::size_t{1} << 22;
  static constexpr std::uint32_t most_groups = 1u << 18;
  static constexpr std::uint32_t most_managers = 1u << 18;
  static constexpr std::uint32_t most_labels = 1u << 10;

  constexpr inner_table() = default;

  /// Whether there is any live block. For whoever frees many at once: a load.
  bool has_blocks() const { return load_relaxed(live_) != 0; }
  /// Whether one of them may begin in [begin, end): false is certain, for who made the last ones.
  bool may_have_between(const void* begin, const void* end) const {
    return address_of(end) > load_relaxed(lowest_) && address_of(begin) <= load_relaxed(highest_);
  }

  /// Enters a block. Errors: false if there is no memory; then it is not known, and is lost.
  bool enter(const inner_manager& from, const void* data, std::size_t size, site_id site) noexcept;
  /// Ends the block of a manager at `data`. Returns what it was. Cost: a load if no block lives.
  inner_facts leave(const inner_manager& from, const void* data) noexcept;
  /// Takes that back: it lives on.
  void restore(const inner_manager& from, const void* data, const inner_facts& was) noexcept;
  /// Enters what became of such a block, of the same site and label: one has died and one was
  /// born. Errors: as `enter`. Nothing if it was not known.
  bool enter_anew(const inner_manager& from, const void* data, std::size_t size,
                  const inner_facts& was) noexcept;
  /// Ends all blocks that begin in [begin, end), of whatever manager.
  void end_between(const void* begin, const void* end) noexcept {
    if (may_have_between(begin, end)) end_found_between(address_of(begin), address_of(end));
  }
  /// Ends all blocks of a manager. Cost: a load if no block lives.
  void end_all(const inner_manager& of) noexcept;
  /// The same, and forgets the manager: it is about to end.
  void close(const inner_manager& of) noexcept;

  // --- for readers ---

  /// One more than the largest number of a group; they begin with 1.
  std::uint32_t group_end() const { return __atomic_load_n(&group_end_, __ATOMIC_ACQUIRE); }
  const inner_group& group(std::uint32_t number) const { return groups_[number]; }
  const inner_label& label(std::uint32_t number) const { return labels_[number]; }
  std::uint32_t label_count() const { return __atomic_load_n(&label_count_, __ATOMIC_ACQUIRE); }
  /// The sum over all groups of a site.
  site_cell sum_of(site_id site) const noexcept;
  /// Writes live blocks behind `last` in order of their addresses, from the first on if that is
  /// empty. Returns how many: at most `most`.
  std::size_t list(const inner_block& last, inner_block* into, std::size_t most) noexcept;

  /// Blocks that lived and were not counted for want of memory.
  std::uint64_t lost() const { return load_relaxed(lost_); }

  std::size_t committed() const {
    return blocks_.committed() + groups_.committed() + of_site_.committed() +
           managers_.committed() + labels_.committed();
  }
  template <class Visitor>
  void for_each_range(Visitor visit) const {
    visit(blocks_.reserved());
    visit(groups_.reserved());
    visit(of_site_.reserved());
    visit(managers_.reserved());
    visit(labels_.reserved());
  }
  /// Gives everything back. No other thread may be running.
  void release() noexcept;

  lock& mutex() { return mutex_; }

 private:
  struct block_node {
    block_node* child[2];  // of an unused one: the next in [0]
    block_node* parent;
    block_node* newer;  // in the list of its manager
    block_node* older;
    std::uintptr_t begin;
    std::size_t size;
    std::uint32_t group;
    std::uint32_t manager;
    bool is_red;

    std::uintptr_t end() const { return begin + (size != 0 ? size : 1); }
  };
  static_assert(sizeof(block_node) == 72);
  struct manager_entry {
    const void* self;  // null: unused
    block_node* newest;
    std::uint32_t label;
    std::uint32_t next_unused;
  };
  struct access {
    using link = block_node*;
    static constexpr link none = nullptr;
    link child(link n, unsigned side) const { return n->child[side]; }
    void set_child(link n, unsigned side, link c) const { n->child[side] = c; }
    link parent(link n) const { return n->parent; }
    void set_parent(link n, link p) const { n->parent = p; }
    bool is_red(link n) const { return n->is_red; }
    void set_red(link n, bool red) const { n->is_red = red; }
    bool before(link a, link b) const { return is_before(a, b->begin, b->manager); }
  };
  // Blocks of several managers may begin at one address: one stands upon the other's.
  static bool is_before(const block_node* n, std::uintptr_t begin, std::uint32_t manager) {
    return n->begin != begin ? n->begin < begin : n->manager < manager;
  }

  block_node* first_from(std::uintptr_t begin, std::uint32_t manager) const noexcept;
  block_node* last_before(std::uintptr_t begin) const noexcept;
  block_node* find(std::uintptr_t begin, std::uint32_t manager) const noexcept;
  bool knows(const inner_manager& m) const noexcept;
  bool make_known(const inner_manager& m) noexcept;
  std::uint32_t label_for(const inner_manager& m) noexcept;
  std::uint32_t group_for(site_id site, std::uint32_t label) noexcept;
  std::uint32_t add_group(site_id site, std::uint32_t label) noexcept;
  block_node* take_node() noexcept;
  bool enter_in(std::uint32_t group, const inner_manager& from, const void* data,
                std::size_t size) noexcept;
  void link(block_node& n) noexcept;
  void remove(block_node& n) noexcept;
  void end(block_node& n) noexcept;
  void end_overlapping(std::uintptr_t begin, std::uintptr_t end, std::uint32_t manager) noexcept;
  void end_list(std::uint32_t manager) noexcept;
  void end_found_between(std::uintptr_t begin, std::uintptr_t end) noexcept;

  lock mutex_;  // everything, but for readers of counts
  red_black_tree<access> tree_;
  std::size_t live_ = 0;
  std::uint64_t lost_ = 0;
  // Of all since there was none: where one begins at the lowest, and at the highest.
  std::uintptr_t lowest_ = ~std::uintptr_t{0};
  std::uintptr_t highest_ = 0;
  block_node* unused_ = nullptr;
  std::size_t nodes_made_ = 0;
  std::uint32_t group_end_ = 0;
  std::uint32_t label_count_ = 0;
  std::uint32_t manager_end_ = 1;
  std::uint32_t unused_manager_ = 0;
  std::uint32_t sites_covered_ = 0;
  growing_table<block_node, most_blocks> blocks_;
  growing_table<inner_group, most_groups> groups_;
  growing_table<std::uint32_t, site_table::limit> of_site_;  // the first group; 0: none
  growing_table<manager_entry, most_managers> managers_;
  growing_table<inner_label, most_labels> labels_;
};

}  // namespace ashlar::observe
