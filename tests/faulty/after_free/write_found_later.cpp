// SPDX-License-Identifier: MIT
// The quarantine finds it when it drops the block.
#include "../faulty.hpp"

int main() {
  char* const p = static_cast<char*>(malloc(80));  // made
  free(hidden(p));                                 // freed
  if (faulty) hidden(p)[79] = 2;
  for (int i = 0; i < 100; ++i) free(malloc(1000));
  if (faulty) _Exit(9);
}
