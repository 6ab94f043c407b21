// SPDX-License-Identifier: MIT
// A local variable was the only pointer.
#include "../faulty.hpp"

__attribute__((noinline)) static void work() {
  char* const p = static_cast<char*>(malloc(100));  // made
  *hidden(p) = 1;
  if (!faulty) free(p);
}

int main() {
  work();
  wipe_stack();
}
