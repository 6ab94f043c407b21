// SPDX-License-Identifier: MIT
// Reads a freed block: faults at once.
#include "../faulty.hpp"

int main() {
  char* const p = static_cast<char*>(calloc(80, 1));  // made
  free(hidden(p));                                    // freed
  if (faulty) return hidden(p)[3] == 77;              // noticed
  return 0;
}
