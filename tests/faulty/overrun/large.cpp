// SPDX-License-Identifier: MIT
// Behind a block of 3 MiB.
#include "../faulty.hpp"

int main() {
  char* const p = static_cast<char*>(malloc(3000000));  // made
  if (faulty) hidden(p)[3000000] = 2;
  free(p);  // noticed
}
