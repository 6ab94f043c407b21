// SPDX-License-Identifier: MIT
// Frees a small block twice, and has the heap put it away.
#include "misuse/fault.hpp"

int main() {
  witnesses held;
  void* const p = announced(malloc(48));
  void* const neighbour = malloc(48);  // keeps the slab
  free(p);
  free(p);
  malloc_trim(0);
  free(neighbour);
  held.finish();
}
