// SPDX-License-Identifier: MIT
// One byte behind a size that is no multiple of anything.
#include "../faulty.hpp"

int main() {
  char* const p = static_cast<char*>(malloc(13));  // made
  if (faulty) hidden(p)[13] = 2;
  free(p);  // noticed
}
