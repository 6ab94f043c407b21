// SPDX-License-Identifier: MIT
// delete of an array.
#include "../faulty.hpp"

int main() {
  int* const p = new int[3];  // made
  if (faulty)
    delete hidden(p);  // noticed
  else
    delete[] p;
}
