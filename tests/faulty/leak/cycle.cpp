// SPDX-License-Identifier: MIT
// Two blocks that point to each other alone.
#include "../faulty.hpp"

struct node {
  node* other;
};

__attribute__((noinline)) static node* make() { return new node(); }  // made

__attribute__((noinline)) static void work() {
  node* const a = make();
  node* const b = make();
  a->other = b;
  b->other = a;
  if (faulty) return;
  delete a;
  delete b;
}

int main() {
  work();
  wipe_stack();
}
