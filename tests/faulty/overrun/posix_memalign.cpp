// SPDX-License-Identifier: MIT
// Behind a page-aligned block.
#include "../faulty.hpp"

int main() {
  char* const p = static_cast<char*>(memalign(4096, 100));  // made
  if (faulty) hidden(p)[100] = 2;
  free(p);  // noticed
}
