// SPDX-License-Identifier: MIT
// Past the guard in front of a block, into its header.
#include "../faulty.hpp"

int main() {
  char* const p = static_cast<char*>(malloc(24));  // made
  if (faulty) hidden(p)[-30] ^= 1;
  free(p);  // noticed
}
