// SPDX-License-Identifier: MIT
// Behind an object.
#include "../faulty.hpp"

int main() {
  long* const p = new long(1);  // made
  if (faulty) hidden(p)[1] = 2;
  delete p;  // noticed
}
