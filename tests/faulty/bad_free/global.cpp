// SPDX-License-Identifier: MIT
// free of a global.
#include "../faulty.hpp"

static int global;

int main() {
  void* const p = malloc(10);
  free(faulty ? hidden<void>(&global) : p);  // noticed
}
