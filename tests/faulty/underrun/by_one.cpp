// SPDX-License-Identifier: MIT
// One byte in front of the block.
#include "../faulty.hpp"

int main() {
  char* const p = static_cast<char*>(malloc(24));  // made
  if (faulty) hidden(p)[-1] = 2;
  free(p);  // noticed
}
