// SPDX-License-Identifier: MIT
// The zero byte at the end of a text has no room.
#include "../faulty.hpp"

int main() {
  char* const p = static_cast<char*>(malloc(24));  // made
  if (faulty) hidden(p)[24] = 0;
  free(p);  // noticed
}
