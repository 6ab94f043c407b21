// SPDX-License-Identifier: MIT
// The middle of a large block keeps what it held, so it is not what is wrong.
#include "../faulty.hpp"

int main() {
  char* p = (char*)malloc(6000);  // made
  memset(p, 1, 6000);
  if (faulty) free(hidden(p));  // freed
  p[1016] = p[1021] = 2;
  if (!faulty) free(hidden(p));
}
