// SPDX-License-Identifier: MIT
// delete, twice.
#include "../faulty.hpp"

int main() {
  int* const p = new int(1);     // made
  delete hidden(p);              // freed
  if (faulty) delete hidden(p);  // noticed
}
