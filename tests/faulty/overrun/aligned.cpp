// SPDX-License-Identifier: MIT
// Behind an aligned block.
#include "../faulty.hpp"

int main() {
  char* const p = static_cast<char*>(aligned_alloc(256, 512));  // made
  if (faulty) hidden(p)[512] = 2;
  free(p);  // noticed
}
