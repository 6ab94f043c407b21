// SPDX-License-Identifier: MIT
// `main` itself held the only pointer, and has returned.
#include "../faulty.hpp"

int main() {
  char* const p = static_cast<char*>(malloc(100));  // made
  *hidden(p) = 1;
  if (!faulty) free(p);
}
