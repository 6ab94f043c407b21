// SPDX-License-Identifier: MIT
// Resizes a block of glibc's malloc.
#include "misuse/fault.hpp"

extern "C" void* __libc_malloc(size_t size);

int main() {
  void* const p = announced(__libc_malloc(100));
  if (realloc(p, 200) != nullptr) return 5;
  go_on();
}
