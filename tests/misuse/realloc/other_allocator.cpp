// SPDX-License-Identifier: MIT
// Resizes a block of glibc's malloc.
#include "misuse/fault.hpp"

int main() {
  void* const p = announced(malloc_of_glibc(100));
  if (realloc(p, 200) != nullptr) return 5;
  go_on();
}
