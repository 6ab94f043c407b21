// SPDX-License-Identifier: MIT
// The index of best fit: a red-black tree of sizes, of each size one node, the others in a list at
// it.
//
// The first node not smaller than a request is the best fit. A tree of all blocks would grow with
// their number, and be cold from the middle on; there are never many sizes at a time (blocks of n
// sizes take 4 n^2 bytes: below 5,800 sizes in 128 MiB), so this tree stays small and hot.
//
// Blocks of 24 bytes have no room for a node of the tree: they are in a list of their own. Crumbs
// have none at all, and are not noticed.
// Of several blocks of one size the one freed last is taken, not the lowest: see decision 0012.
//
// Cost: a search looks at up to 2 log2(s + 1) nodes, s sizes; a block more or less of a size that
// is there is O(1) from then on.
#pragma once

#include "ashlar/manager/fit/fit_block.hpp"
#include "ashlar/structure/red_black_tree.hpp"

namespace ashlar {

struct fit_tree_access {
  using link = std::uint32_t;
  static constexpr link none = 0;

  fit_links links;

  link child(link n, unsigned side) const { return links.at(n)->link[side]; }
  void set_child(link n, unsigned side, link c) const { links.at(n)->link[side] = c; }
  link parent(link n) const { return links.at(n)->up; }
  void set_parent(link n, link p) const { links.at(n)->up = p; }
  bool is_red(link n) const { return links.at(n)->is_red(); }
  void set_red(link n, bool red) const { links.at(n)->set_red(red); }
  bool before(link a, link b) const { return links.at(a)->size() < links.at(b)->size(); }
};

class ASHLAR_EXPORT fit_tree {
 public:
  static constexpr const char* kind_name = "best_fit";

  constexpr fit_tree() = default;
  explicit fit_tree(fit_links links) : links_(links), tree_(fit_tree_access{links}) {}

  void insert(fit_block* b) {
    const std::size_t size = b->size();
    if (size < least) [[unlikely]]
      return push(b);
    fit_block* const at = at_least(size);
    b->same = 0;
    if (at == nullptr || at->size() != size) return tree_.insert(links_.of(b));
    const std::uint32_t me = links_.of(b);
    b->up = in_list;
    b->link[0] = at->same;
    b->link[1] = links_.of(at);
    if (at->same != 0) links_.at(at->same)->link[1] = me;
    at->same = me;
  }

  void remove(fit_block* b) {
    if (b->size() < least) [[unlikely]]
      return pop(b);
    if (b->up == in_list) return unlink(b);
    if (b->same == 0) return tree_.erase(links_.of(b));
    const std::uint32_t heir = b->same;
    unlink(links_.at(heir));
    links_.at(heir)->same = b->same;
    if (b->same != 0) links_.at(b->same)->link[1] = heir;
    tree_.substitute(links_.of(b), heir);
  }

  /// Returns a block of the smallest size that is at least `size`, or null.
  fit_block* find(std::size_t size) const {
    if (size < least && tiny_ != 0) return links_.at(tiny_);
    fit_block* const b = at_least(size);
    return b != nullptr && b->same != 0 ? links_.at(b->same) : b;
  }
  /// Returns another block, not smaller, or null.
  fit_block* find_next(fit_block* b) const {
    if (b->size() < least) return b->link[0] != 0 ? links_.at(b->link[0]) : find(least);
    if (b->up != in_list) return block(tree_.next(links_.of(b)));
    if (b->link[0] != 0) return links_.at(b->link[0]);
    return at_least(b->size());
  }
  /// Returns a block of the next larger size that there is, or null.
  fit_block* find_larger(fit_block* b) const { return find(b->size() + fit_block::granule); }

  /// Panics if a rule is broken. Returns the number of blocks.
  std::size_t check_invariants() const {
    std::size_t blocks = tree_.check_invariants() + check_tiny();
    for (std::uint32_t n = tree_.first(); n != 0; n = tree_.next(n)) {
      std::uint32_t previous = n;
      for (std::uint32_t m = links_.at(n)->same; m != 0; m = links_.at(m)->link[0]) {
        ASHLAR_CHECK(links_.at(m)->up == in_list && links_.at(m)->link[1] == previous);
        ASHLAR_CHECK(links_.at(m)->size() == links_.at(n)->size() && !links_.at(m)->is_used());
        previous = m;
        ++blocks;
      }
      ASHLAR_CHECK(!links_.at(n)->is_used());
    }
    return blocks;
  }

 private:
  static constexpr std::uint32_t in_list = static_cast<std::uint32_t>(-1);
  static constexpr std::size_t least = sizeof(fit_block) + fit_block::header;  // with a tree's node

  fit_block* block(std::uint32_t link) const { return link != 0 ? links_.at(link) : nullptr; }

  fit_block* at_least(std::size_t size) const {
    return block(tree_.lower_bound([&](auto n) { return links_.at(n)->size() < size; }));
  }

  void unlink(fit_block* b) {
    fit_block* const previous = links_.at(b->link[1]);
    (previous->up == in_list ? previous->link[0] : previous->same) = b->link[0];
    if (b->link[0] != 0) links_.at(b->link[0])->link[1] = b->link[1];
  }

  void push(fit_block* b) {
    if (b->is_crumb()) return;
    b->link[0] = tiny_;
    b->link[1] = 0;
    const std::uint32_t me = links_.of(b);
    if (tiny_ != 0) links_.at(tiny_)->link[1] = me;
    tiny_ = me;
  }
  void pop(fit_block* b) {
    if (b->is_crumb()) return;
    const std::uint32_t next = b->link[0];
    const std::uint32_t previous = b->link[1];
    if (next != 0) links_.at(next)->link[1] = previous;
    (previous != 0 ? links_.at(previous)->link[0] : tiny_) = next;
  }
  std::size_t check_tiny() const {
    std::size_t blocks = 0;
    std::uint32_t previous = 0;
    for (std::uint32_t n = tiny_; n != 0; n = links_.at(n)->link[0]) {
      const fit_block* const b = links_.at(n);
      ASHLAR_CHECK(!b->is_used() && b->size() == fit_block::smallest && b->link[1] == previous);
      previous = n;
      ++blocks;
    }
    return blocks;
  }

  std::uint32_t tiny_ = 0;  // the first block of 24 bytes
  fit_links links_;
  red_black_tree<fit_tree_access> tree_;
};

}  // namespace ashlar
