// SPDX-License-Identifier: MIT
// A word in front of an array.
#include "../faulty.hpp"

int main() {
  char* const p = new char[24];  // made
  if (faulty) hidden(p)[-8] = 2;
  delete[] p;  // noticed
}
