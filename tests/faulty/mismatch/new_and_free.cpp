// SPDX-License-Identifier: MIT
// free of an object of new.
#include "../faulty.hpp"

int main() {
  int* const p = new int(1);  // made
  if (faulty)
    free(hidden(p));  // noticed
  else
    delete p;
}
