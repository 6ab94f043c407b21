// SPDX-License-Identifier: MIT
// delete of a block of malloc.
#include "../faulty.hpp"

int main() {
  int* const p = static_cast<int*>(malloc(4));  // made
  if (faulty)
    delete hidden(p);  // noticed
  else
    free(p);
}
