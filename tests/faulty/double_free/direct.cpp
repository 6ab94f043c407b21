// SPDX-License-Identifier: MIT
// Twice, one after the other.
#include "../faulty.hpp"

int main() {
  void* const p = malloc(30);   // made
  free(hidden(p));              // freed
  if (faulty) free(hidden(p));  // noticed
}
