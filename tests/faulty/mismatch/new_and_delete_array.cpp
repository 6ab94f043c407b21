// SPDX-License-Identifier: MIT
// delete[] of an object.
#include "../faulty.hpp"

int main() {
  int* const p = new int(1);  // made
  if (faulty)
    delete[] hidden(p);  // noticed
  else
    delete p;
}
