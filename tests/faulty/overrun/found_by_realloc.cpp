// SPDX-License-Identifier: MIT
// The next realloc finds it.
#include "../faulty.hpp"

int main() {
  char* p = static_cast<char*>(malloc(100));  // made
  if (faulty) hidden(p)[100] = 2;
  p = static_cast<char*>(realloc(p, 200));  // noticed
  free(p);
}
