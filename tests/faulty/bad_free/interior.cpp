// SPDX-License-Identifier: MIT
// free of a pointer into a block.
#include "../faulty.hpp"

int main() {
  char* const p = static_cast<char*>(malloc(100));  // made
  free(faulty ? hidden(p + 16) : p);                // noticed
}
