// SPDX-License-Identifier: MIT
// free of a pointer far into a large block.
#include "../faulty.hpp"

int main() {
  char* const p = static_cast<char*>(malloc(1000000));  // made
  free(faulty ? hidden(p + 300000) : p);                // noticed
}
