// SPDX-License-Identifier: MIT
// free of an array of new[].
#include "../faulty.hpp"

int main() {
  int* const p = new int[3];  // made
  if (faulty)
    free(hidden(p));  // noticed
  else
    delete[] p;
}
