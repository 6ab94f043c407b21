// SPDX-License-Identifier: MIT
// A block of 1 MiB, twice.
#include "../faulty.hpp"

int main() {
  void* const p = malloc(1 << 20);  // made
  free(hidden(p));                  // freed
  if (faulty) free(hidden(p));      // noticed
}
