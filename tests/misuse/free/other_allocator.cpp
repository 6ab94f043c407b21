// SPDX-License-Identifier: MIT
// Frees a block of glibc's malloc, as a program does that mixes two allocators.
#include "misuse/fault.hpp"

int main() {
  free(announced(malloc_of_glibc(100)));
  go_on();
}
