// SPDX-License-Identifier: MIT
// The pushes of arenas as functions, for check_push_paths.py to count their instructions.
#include "ashlar/arena.hpp"

namespace {

struct node {
  node* left;
  node* right;
  long key;
};

}  // namespace

extern "C" {

[[gnu::used, gnu::noinline]] void* push_known(ashlar::arena& a) {
  return a.allocate({24, 8}).data();
}

[[gnu::used, gnu::noinline]] void* push_known_erased(ashlar::memory m) {
  return m.allocate({24, 8}).data();
}

[[gnu::used, gnu::noinline]] void* push_any(ashlar::arena& a, std::size_t size,
                                            std::size_t alignment) {
  return a.allocate({size, alignment}).data();
}

[[gnu::used, gnu::noinline]] void* push_any_erased(ashlar::memory m, std::size_t size,
                                                   std::size_t alignment) {
  return m.allocate({size, alignment}).data();
}

[[gnu::used, gnu::noinline]] node* make_node(ashlar::arena& a) {
  return a.make<node>(nullptr, nullptr, 7L);
}
}

int main() {
  ashlar::arena a;
  const bool all = push_known(a) != nullptr && push_known_erased(a) != nullptr &&
                   push_any(a, 8, 8) != nullptr && push_any_erased(a, 8, 8) != nullptr &&
                   make_node(a) != nullptr;
  return all ? 0 : 1;
}
