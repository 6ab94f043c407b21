// SPDX-License-Identifier: MIT
// A block that is aligned to what the heap is divided into, twice.
#include "../faulty.hpp"

int main() {
  void* const p = aligned_alloc(1 << 16, 5000);  // made
  free(hidden(p));                               // freed
  if (faulty) free(hidden(p));                   // noticed
}
