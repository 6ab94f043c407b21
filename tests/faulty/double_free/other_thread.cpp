// SPDX-License-Identifier: MIT
// Once here, once in a thread.
#include "../faulty.hpp"

static void* shared;

static void free_shared() { free(shared); }  // noticed

int main() {
  shared = malloc(30);               // made
  if (faulty) free(hidden(shared));  // freed
  in_thread(free_shared);
}
