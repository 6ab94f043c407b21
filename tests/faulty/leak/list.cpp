// SPDX-License-Identifier: MIT
// The nodes of a list that nobody walks any more.
#include "../faulty.hpp"

struct node {
  node* next;
};

static node* head;

int main() {
  for (int i = 0; i < 3; ++i) head = new node{head};  // made
  while (!faulty && head != nullptr) {
    node* const next = head->next;
    delete head;
    head = next;
  }
  head = nullptr;
}
