// SPDX-License-Identifier: MIT
// free of a local variable.
#include "../faulty.hpp"

int main() {
  int local = 1;
  void* const p = malloc(10);
  free(faulty ? hidden<void>(&local) : p);  // noticed
}
