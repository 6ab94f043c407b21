// SPDX-License-Identifier: MIT
// A member of a deleted object.
#include "../faulty.hpp"

struct node {
  node* next;
  long value;
};

int main() {
  node* const p = new node();  // made
  delete hidden(p);            // freed
  if (faulty) hidden(p)->value = 3;
}
