// SPDX-License-Identifier: MIT
// realloc of a block that is free.
#include "../faulty.hpp"

int main() {
  void* p = malloc(30);         // made
  if (faulty) free(hidden(p));  // freed
  p = realloc(hidden(p), 60);   // noticed
  free(p);
}
