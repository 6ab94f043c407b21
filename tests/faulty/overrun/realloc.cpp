// SPDX-License-Identifier: MIT
// Behind a block that has been made smaller.
#include "../faulty.hpp"

int main() {
  char* const first = static_cast<char*>(malloc(100));
  char* const p = static_cast<char*>(realloc(first, 50));  // made
  if (faulty) hidden(p)[50] = 2;
  free(p);  // noticed
}
