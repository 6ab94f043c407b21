// SPDX-License-Identifier: MIT
// Into a block of no bytes.
#include "../faulty.hpp"

int main() {
  char* const p = static_cast<char*>(malloc(0));  // made
  if (faulty) hidden(p)[0] = 2;
  free(p);  // noticed
}
