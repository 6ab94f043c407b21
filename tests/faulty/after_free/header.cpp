// SPDX-License-Identifier: MIT
// The header of a freed block: whoever writes there finds it where the block was.
#include "../faulty.hpp"

int main() {
  char* const p = static_cast<char*>(malloc(24));  // made
  free(p);                                         // freed
  if (faulty) hidden(p)[-30] ^= 1;
}
