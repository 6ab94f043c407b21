// SPDX-License-Identifier: MIT
// One element too many.
#include "../faulty.hpp"

int main() {
  int* const p = new int[10];  // made
  if (faulty) hidden(p)[10] = 2;
  delete[] p;  // noticed
}
