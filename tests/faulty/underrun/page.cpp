// SPDX-License-Identifier: MIT
// Touches the page in front of the block: faults at once.
#include "../faulty.hpp"

int main() {
  char* const p = static_cast<char*>(malloc(100));  // made
  if (faulty) hidden(p)[-1] = 2;                    // noticed
  free(p);
}
