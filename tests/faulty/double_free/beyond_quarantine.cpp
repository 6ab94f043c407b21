// SPDX-License-Identifier: MIT
// A block that is larger than what is kept of freed blocks, twice.
#include "../faulty.hpp"

int main() {
  void* const p = malloc(5 << 20);  // made
  free(hidden(p));                  // freed
  if (faulty) free(hidden(p));      // noticed
}
