// SPDX-License-Identifier: MIT
// Frees a block of glibc's malloc, as a program does that mixes two allocators.
#include "misuse/fault.hpp"

extern "C" void* __libc_malloc(size_t size);

int main() {
  free(announced(__libc_malloc(100)));
  go_on();
}
