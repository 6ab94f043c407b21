// SPDX-License-Identifier: MIT
// The tree against std::set: every order of insertion and of erasure for few nodes, random ones for
// many; invariants and rotations checked after every step.
#include "ashlar/structure/red_black_tree.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <numeric>
#include <set>
#include <vector>

#include "support/random.hpp"
#include "support/scale.hpp"

namespace ashlar {
namespace {

struct node {
  int key = 0;
  int child[2] = {-1, -1};
  int parent = -1;
  bool red = false;
};

// Links are numbers: the tree must not think that they are pointers.
struct access {
  using link = int;
  static constexpr link none = -1;

  node* nodes = nullptr;
  unsigned* rotations = nullptr;

  node& at(link n) const { return nodes[static_cast<std::size_t>(n)]; }
  link child(link n, unsigned side) const { return at(n).child[side]; }
  void set_child(link n, unsigned side, link c) const { at(n).child[side] = c; }
  link parent(link n) const { return at(n).parent; }
  void set_parent(link n, link p) const { at(n).parent = p; }
  bool is_red(link n) const { return at(n).red; }
  void set_red(link n, bool red) const { at(n).red = red; }
  bool before(link a, link b) const { return at(a).key < at(b).key; }
  void rotated() const { ++*rotations; }
};

class checked_tree {
 public:
  explicit checked_tree(std::size_t count) : nodes_(count), tree_({nodes_.data(), &rotations_}) {
    for (std::size_t i = 0; i < count; ++i) nodes_[i].key = static_cast<int>(i);
  }

  void insert(int n) {
    rotations_ = 0;
    tree_.insert(n);
    model_.insert(n);
    EXPECT_LE(rotations_, 2u);
    most_insert_ = std::max(most_insert_, rotations_);
    check();
  }

  void erase(int n) {
    rotations_ = 0;
    tree_.erase(n);
    model_.erase(n);
    EXPECT_LE(rotations_, 3u);
    most_erase_ = std::max(most_erase_, rotations_);
    check();
  }

  bool contains(int n) const { return model_.contains(n); }
  const red_black_tree<access>& tree() const { return tree_; }
  const std::set<int>& model() const { return model_; }
  unsigned most_insert() const { return most_insert_; }
  unsigned most_erase() const { return most_erase_; }

  std::size_t height(int n) const {
    if (n == access::none) return 0;
    const node& at = nodes_[static_cast<std::size_t>(n)];
    return 1 + std::max(height(at.child[0]), height(at.child[1]));
  }

  /// Walks the whole tree; the model agrees.
  void compare_order() const {
    auto expected = model_.begin();
    for (int n = tree_.first(); n != access::none; n = tree_.next(n), ++expected) {
      ASSERT_NE(expected, model_.end());
      ASSERT_EQ(n, *expected);
    }
    ASSERT_EQ(expected, model_.end());
  }

 private:
  void check() {
    ASSERT_EQ(tree_.check_invariants(), model_.size());
    ASSERT_EQ(tree_.empty(), model_.empty());
    ASSERT_EQ(tree_.first(), model_.empty() ? access::none : *model_.begin());
    ASSERT_EQ(tree_.last(), model_.empty() ? access::none : *model_.rbegin());
  }

  std::vector<node> nodes_;
  unsigned rotations_ = 0;
  red_black_tree<access> tree_;
  std::set<int> model_;
  unsigned most_insert_ = 0;
  unsigned most_erase_ = 0;
};

std::vector<int> first_numbers(int count) {
  std::vector<int> numbers(static_cast<std::size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

TEST(red_black_tree, is_empty_at_first) {
  const checked_tree t(1);
  EXPECT_TRUE(t.tree().empty());
  EXPECT_EQ(t.tree().first(), access::none);
  EXPECT_EQ(t.tree().last(), access::none);
  EXPECT_EQ(t.tree().lower_bound([](int) { return false; }), access::none);
  EXPECT_EQ(t.tree().check_invariants(), 0u);
}

TEST(red_black_tree, holds_for_each_order_of_insertion_and_erasure_of_up_to_five) {
  for (int count = 1; count <= 5; ++count) {
    std::vector<int> in = first_numbers(count);
    do {
      std::vector<int> out = first_numbers(count);
      do {
        checked_tree t(static_cast<std::size_t>(count));
        for (const int n : in) t.insert(n);
        t.compare_order();
        for (const int n : out) t.erase(n);
      } while (std::next_permutation(out.begin(), out.end()));
    } while (std::next_permutation(in.begin(), in.end()));
  }
}

TEST(red_black_tree, holds_for_each_order_of_insertion_of_eight_and_any_one_erased) {
  std::vector<int> in = first_numbers(8);
  std::size_t order = 0;
  do {
    // One order in a few is enough for the slow builds.
    if (++order % test::slowness != 0) continue;
    checked_tree t(8);
    for (const int n : in) t.insert(n);
    t.erase(static_cast<int>(order / test::slowness % 8));
    t.compare_order();
  } while (std::next_permutation(in.begin(), in.end()));
}

TEST(red_black_tree, agrees_with_the_standard_set) {
  unsigned most_insert = 0;
  unsigned most_erase = 0;
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    test::random_source random(seed);
    const std::size_t count = seed * 60;
    checked_tree t(count);
    for (std::size_t step = 0; step < test::scaled(6000); ++step) {
      const int n = static_cast<int>(random.below(count));
      t.contains(n) ? t.erase(n) : t.insert(n);
      if (step % 64 == 0) t.compare_order();
    }
    most_insert = std::max(most_insert, t.most_insert());
    most_erase = std::max(most_erase, t.most_erase());
  }
  // The bounds are met, so the walk has been through the hardest cases.
  EXPECT_EQ(most_insert, 2u);
  EXPECT_EQ(most_erase, 3u);
}

TEST(red_black_tree, is_never_higher_than_twice_the_logarithm) {
  checked_tree rising(1023);
  for (int n = 0; n < 1023; ++n) {
    rising.insert(n);
    const auto bound = 2 * static_cast<std::size_t>(std::bit_width(static_cast<unsigned>(n) + 1));
    ASSERT_LE(rising.height(rising.tree().root()), bound);
  }
  for (int n = 0; n < 1000; ++n) rising.erase(n);
  EXPECT_LE(rising.height(rising.tree().root()), 2u * 5u);
}

TEST(red_black_tree, finds_the_first_that_is_not_before) {
  checked_tree t(100);
  for (int n = 0; n < 100; n += 3) t.insert(n);
  for (int wanted = 0; wanted < 102; ++wanted) {
    const auto expected = t.model().lower_bound(wanted);
    const int found = t.tree().lower_bound([wanted](int n) { return n < wanted; });
    EXPECT_EQ(found, expected == t.model().end() ? access::none : *expected);
  }
}

}  // namespace
}  // namespace ashlar
