// SPDX-License-Identifier: MIT
// Workload tree: builds search trees in random order and tears them down by descent.
//
// When a tree of 300,000 branches is torn down, nearly all of them have left the processor's
// caches, so each free meets a cold block; the order of frees has nothing to do with the order of
// addresses. A tree loses a third of its leaves before the next one is built, which then fills the
// holes. A bad allocator shows here: metadata beside the block that adds a miss of its own, free
// lists through cold memory that the next tree walks again, no locality between blocks that were
// allocated together.
#include "table.hpp"

namespace bench {
namespace {

struct branch {
  branch* left;
  branch* right;
  std::uint64_t key;
  char* text;  // a second block of 8 to 64 bytes, stamped with the key
  std::size_t text_size;
};

branch* make_branch(std::uint64_t key) {
  auto* made = reinterpret_cast<branch*>(allocate(sizeof(branch)));
  const std::size_t text_size = 8 + key % 57;
  *made = {nullptr, nullptr, key, allocate(text_size), text_size};
  stamp(made->text, text_size, key);
  return made;
}

void insert(branch*& root, std::uint64_t key) {
  branch** place = &root;
  while (*place != nullptr) place = key < (*place)->key ? &(*place)->left : &(*place)->right;
  *place = make_branch(key);
}

/// Frees everything below `root` in post order; random keys keep the depth near 3 * log2(n).
std::uint64_t tear_down(branch* root) {
  if (root == nullptr) return 0;
  std::uint64_t sum = tear_down(root->left) + tear_down(root->right);
  sum += verify(root->text, root->text_size, root->key);
  std::free(root->text);
  std::free(root);
  return sum;
}

std::uint64_t prune(branch*& root) {
  if (root == nullptr) return 0;
  if (root->left == nullptr && root->right == nullptr && root->key % 3 == 0) {
    const std::uint64_t sum = tear_down(root);
    root = nullptr;
    return sum;
  }
  return prune(root->left) + prune(root->right);
}

}  // namespace

void run_tree(session& now) {
  constexpr std::size_t branches = 300'000;
  random_numbers numbers(4);
  branch* older = nullptr;
  const std::size_t rounds = now.scaled(4);
  for (std::size_t round = 0; round < rounds; ++round) {
    branch* newer = nullptr;
    for (std::size_t i = 0; i < branches; ++i) insert(newer, numbers.next());
    now.add(tear_down(older));
    now.add(prune(newer));
    older = newer;
  }
  now.add(tear_down(older));
}

}  // namespace bench
