// SPDX-License-Identifier: MIT
// Reads the page behind the block: faults at once.
#include "../faulty.hpp"

int main() {
  char* const p = static_cast<char*>(calloc(1, 64));  // made
  int sum = 0;
  for (int i = 0; i < (faulty ? 65 : 64); ++i) sum += hidden(p)[i];  // noticed
  free(p);
  return sum;
}
