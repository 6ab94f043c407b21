// SPDX-License-Identifier: MIT
// Twice, where freed blocks are used again at once: they are remembered all the same.
#include "../faulty.hpp"

int main() {
  void* const p = malloc(30);  // made
  free(hidden(p));             // freed
  void* const other = malloc(3000);
  if (faulty) free(hidden(p));  // noticed
  free(other);
}
