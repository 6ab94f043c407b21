// SPDX-License-Identifier: MIT
// A red-black tree that never allocates: the nodes are given by the user, who also says what a link
// is and how nodes are ordered.
//
// `Access` tells how to get at a node, so that links may be pointers or numbers, and the colour may
// hide wherever a node has a bit to spare:
//
//     struct access {
//       using link = node*;                              // cheap to copy, comparable
//       static constexpr link none = nullptr;            // stands for no node
//       link child(link n, unsigned side) const;         // side 0: before n, side 1: behind n
//       void set_child(link n, unsigned side, link c) const;
//       link parent(link n) const;
//       void set_parent(link n, link p) const;
//       bool is_red(link n) const;
//       void set_red(link n, bool red) const;
//       bool before(link a, link b) const;               // a strict order without equals
//     };
//
// Invariants, checked by check_invariants(): (1) the root is black and has no parent; (2) each
// child names its parent, and is the child of it on one side only; (3) no red node has a red child;
// (4) all ways down from a node meet equally many black nodes; (5) nodes are in order.
// From (3) and (4): no way down is longer than 2 log2(n + 1).
//
// Threads: thread-compatible. Cost: insert turns at most two rotations, erase at most three; erase
// needs no search. A descent looks at one node per level.
// Source: Guibas and Sedgewick 1978; Cormen et al., Introduction to Algorithms, chapter 13.
#pragma once

#include <cstddef>

#include "ashlar/base/macros.hpp"

namespace ashlar {

template <class Access>
class red_black_tree {
 public:
  using link = typename Access::link;
  static constexpr link none = Access::none;

  constexpr red_black_tree() = default;
  constexpr explicit red_black_tree(const Access& access) : access_(access) {}

  bool empty() const { return root_ == none; }
  link root() const { return root_; }

  /// Adds a node that is in no tree.
  void insert(link n) {
    link parent = none;
    unsigned side = 0;
    for (link at = root_; at != none; at = access_.child(at, side)) {
      parent = at;
      side = access_.before(at, n);
    }
    access_.set_child(n, 0, none);
    access_.set_child(n, 1, none);
    access_.set_parent(n, parent);
    access_.set_red(n, true);
    if (parent == none)
      root_ = n;
    else
      access_.set_child(parent, side, n);
    repair_insert(n);
  }

  /// Takes a node of this tree out.
  void erase(link n);

  /// Puts `n`, which is in no tree and of the same order, in the place of a node of this tree.
  void substitute(link old, link n) {
    replace(old, n);
    adopt(n, 0, access_.child(old, 0));
    adopt(n, 1, access_.child(old, 1));
    access_.set_red(n, access_.is_red(old));
  }

  /// Returns the first node that `is_before` is false for, or none. `is_before(node)` must be true
  /// for a run of nodes from the first on, and false for the rest.
  template <class IsBefore>
  link lower_bound(IsBefore is_before) const {
    link found = none;
    link at = root_;
    while (at != none) {
      const unsigned side = is_before(at);
      found = side != 0 ? found : at;
      at = access_.child(at, side);
    }
    return found;
  }

  link first() const { return root_ == none ? none : outermost(root_, 0); }
  link last() const { return root_ == none ? none : outermost(root_, 1); }

  /// Returns the node behind `n`, or none.
  link next(link n) const {
    if (const link behind = access_.child(n, 1); behind != none) return outermost(behind, 0);
    link up = access_.parent(n);
    while (up != none && access_.child(up, 1) == n) {
      n = up;
      up = access_.parent(n);
    }
    return up;
  }

  /// Panics if a rule is broken. Returns the number of nodes. O(n), and deep as the tree.
  std::size_t check_invariants() const {
    if (root_ == none) return 0;
    ASHLAR_CHECK(!access_.is_red(root_) && access_.parent(root_) == none);  // (1)
    link previous = none;
    return check_below(root_, previous).nodes;
  }

 private:
  struct measure {
    std::size_t nodes;
    std::size_t black_height;
  };

  bool is_red(link n) const { return n != none && access_.is_red(n); }
  unsigned side_of(link n, link parent) const { return access_.child(parent, 1) == n; }

  link outermost(link n, unsigned side) const {
    for (link c = access_.child(n, side); c != none; c = access_.child(n, side)) n = c;
    return n;
  }

  /// Puts `n` (or none) where `old` hangs.
  void replace(link old, link n) {
    const link parent = access_.parent(old);
    if (parent == none)
      root_ = n;
    else
      access_.set_child(parent, side_of(old, parent), n);
    if (n != none) access_.set_parent(n, parent);
  }

  void adopt(link parent, unsigned side, link child) {
    access_.set_child(parent, side, child);
    if (child != none) access_.set_parent(child, parent);
  }

  /// Lets `n` sink to `side`; its other child takes its place.
  void rotate(link n, unsigned side) {
    const link rising = access_.child(n, 1 - side);
    const link inner = access_.child(rising, side);
    replace(n, rising);
    adopt(n, 1 - side, inner);
    adopt(rising, side, n);
    if constexpr (requires { access_.rotated(); }) access_.rotated();
  }

  void repair_insert(link n);
  void repair_erase(link parent, unsigned side);
  measure check_below(link n, link& previous) const;

  [[no_unique_address]] Access access_{};
  link root_ = none;
};

// A red node under a red one is moved up, two levels a step, by recolouring; where the uncle is
// black, two rotations at most end it.
template <class Access>
void red_black_tree<Access>::repair_insert(link n) {
  link parent = access_.parent(n);
  while (is_red(parent)) {
    const link grandparent = access_.parent(parent);
    const unsigned side = side_of(parent, grandparent);
    const link uncle = access_.child(grandparent, 1 - side);
    if (is_red(uncle)) {
      access_.set_red(parent, false);
      access_.set_red(uncle, false);
      access_.set_red(grandparent, true);
      n = grandparent;
      parent = access_.parent(n);
      continue;
    }
    if (access_.child(parent, 1 - side) == n) {
      rotate(parent, side);
      parent = n;
    }
    access_.set_red(parent, false);
    access_.set_red(grandparent, true);
    rotate(grandparent, 1 - side);
    break;
  }
  if (parent == none) access_.set_red(root_, false);
}

template <class Access>
void red_black_tree<Access>::erase(link n) {
  const link before = access_.child(n, 0);
  const link behind = access_.child(n, 1);
  link gap = access_.parent(n);  // the node that loses a black level below it, and on which side
  unsigned side = gap != none ? side_of(n, gap) : 0;
  link filler = before != none ? before : behind;
  bool lost_black = !access_.is_red(n);
  if (before != none && behind != none) {
    // The node behind it takes its place and colour; the gap is where that one was.
    const link heir = outermost(behind, 0);
    filler = access_.child(heir, 1);
    lost_black = !access_.is_red(heir);
    gap = heir;
    side = 1;
    if (heir != behind) {
      gap = access_.parent(heir);
      side = 0;
      adopt(gap, 0, filler);
      adopt(heir, 1, behind);
    }
    replace(n, heir);
    adopt(heir, 0, before);
    access_.set_red(heir, access_.is_red(n));
  } else {
    replace(n, filler);
  }
  if (!lost_black) return;
  if (filler != none)
    access_.set_red(filler, false);  // an only child is red
  else if (gap != none)
    repair_erase(gap, side);
}

// The ways through `parent` to `side` have one black node too few. Recolouring hands the lack up;
// three rotations at most end it.
template <class Access>
void red_black_tree<Access>::repair_erase(link parent, unsigned side) {
  for (;;) {
    link sibling = access_.child(parent, 1 - side);
    if (access_.is_red(sibling)) {
      access_.set_red(sibling, false);
      access_.set_red(parent, true);
      rotate(parent, side);
      sibling = access_.child(parent, 1 - side);
    }
    const link near = access_.child(sibling, side);
    link far = access_.child(sibling, 1 - side);
    if (!is_red(near) && !is_red(far)) {
      access_.set_red(sibling, true);
      if (access_.is_red(parent)) return access_.set_red(parent, false);
      const link up = access_.parent(parent);
      if (up == none) return;
      side = side_of(parent, up);
      parent = up;
      continue;
    }
    if (!is_red(far)) {
      access_.set_red(near, false);
      access_.set_red(sibling, true);
      rotate(sibling, 1 - side);
      far = sibling;
      sibling = near;
    }
    access_.set_red(sibling, access_.is_red(parent));
    access_.set_red(parent, false);
    access_.set_red(far, false);
    return rotate(parent, side);
  }
}

template <class Access>
auto red_black_tree<Access>::check_below(link n, link& previous) const -> measure {
  measure sides[2] = {};
  for (unsigned side = 0; side < 2; ++side) {
    if (side == 1) {
      ASHLAR_CHECK(previous == none || access_.before(previous, n));  // (5)
      previous = n;
    }
    const link child = access_.child(n, side);
    if (child == none) continue;
    ASHLAR_CHECK(access_.parent(child) == n && child != access_.child(n, 1 - side));  // (2)
    ASHLAR_CHECK(!(access_.is_red(n) && access_.is_red(child)));                      // (3)
    sides[side] = check_below(child, previous);
  }
  ASHLAR_CHECK(sides[0].black_height == sides[1].black_height);  // (4)
  return {.nodes = sides[0].nodes + sides[1].nodes + 1,
          .black_height = sides[0].black_height + !access_.is_red(n)};
}

}  // namespace ashlar
