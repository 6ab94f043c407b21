// SPDX-License-Identifier: MIT
// Writes to the page behind the block: faults at once.
#include "../faulty.hpp"

int main() {
  char* const p = static_cast<char*>(malloc(4096));  // made
  if (faulty) hidden(p)[4096] = 2;                   // noticed
  free(p);
}
