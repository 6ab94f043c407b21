// SPDX-License-Identifier: MIT
// Writes to a freed block: faults at once.
#include "../faulty.hpp"

int main() {
  char* const p = static_cast<char*>(calloc(80, 1));  // made
  free(hidden(p));                                    // freed
  if (faulty) hidden(p)[3] = 2;                       // noticed
  return 0;
}
