// SPDX-License-Identifier: MIT
// free of the end of a block.
#include "../faulty.hpp"

int main() {
  char* const p = static_cast<char*>(malloc(100));  // made
  free(faulty ? hidden(p + 100) : p);               // noticed
}
