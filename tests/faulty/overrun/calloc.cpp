// SPDX-License-Identifier: MIT
// Behind a block of calloc.
#include "../faulty.hpp"

int main() {
  char* const p = static_cast<char*>(calloc(3, 7));  // made
  if (faulty) hidden(p)[21] = 2;
  free(p);  // noticed
}
