// SPDX-License-Identifier: MIT
// A block that was a mapping of its own, twice, after others.
#include "../faulty.hpp"

int main() {
  void* const p = malloc(40 << 20);  // made
  free(hidden(p));                   // freed
  for (int i = 0; i < 1000; ++i) free(hidden(malloc(100)));
  if (faulty) free(hidden(p));  // noticed
}
