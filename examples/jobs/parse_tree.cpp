// SPDX-License-Identifier: MIT
// Job 2: a tree that grows node by node and ends all at once.
#include <ashlar/arena.hpp>

#include <cstdio>

struct node {
  int value;
  node* left = nullptr;
  node* right = nullptr;
};

static node* balanced(ashlar::arena& tree, int depth) {
  if (depth == 0) return nullptr;
  return tree.make<node>(depth, balanced(tree, depth - 1), balanced(tree, depth - 1));
}

static int sum(const node* n) { return n == nullptr ? 0 : n->value + sum(n->left) + sum(n->right); }

int main() {
  ashlar::arena tree({.name = "tree"});
  const node* root = balanced(tree, 10);
  std::printf("sum %d of %zu bytes\n", sum(root), tree.pos());
}
