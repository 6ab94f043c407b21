// SPDX-License-Identifier: MIT
// A thread ends with the only pointer.
#include "../faulty.hpp"

static void work() {
  char* const p = static_cast<char*>(malloc(100));  // made
  *hidden(p) = 1;
  if (!faulty) free(p);
}

int main() { in_thread(work); }
