// SPDX-License-Identifier: MIT
// Writes to a freed block; the end of the program finds it.
#include "../faulty.hpp"

int main() {
  char* const p = static_cast<char*>(malloc(80));  // made
  if (!faulty) hidden(p)[8] = 2;
  free(hidden(p));  // freed
  if (faulty) hidden(p)[8] = 2;
}
