// SPDX-License-Identifier: MIT
// Behind a block of 100 KiB.
#include "../faulty.hpp"

int main() {
  char* const p = static_cast<char*>(malloc(100000));  // made
  if (faulty) hidden(p)[100000] = 2;
  free(p);  // noticed
}
