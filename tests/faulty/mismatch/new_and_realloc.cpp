// SPDX-License-Identifier: MIT
// realloc of an object.
#include "../faulty.hpp"

int main() {
  int* const p = static_cast<int*>(operator new(4));  // made
  if (faulty)
    free(realloc(hidden(p), 8));  // noticed
  else
    operator delete(p);
}
