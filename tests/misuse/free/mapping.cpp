// SPDX-License-Identifier: MIT
// Frees memory that came from mmap.
#include <sys/mman.h>

#include "misuse/fault.hpp"

int main() {
  void* const p =
      mmap(nullptr, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) return 3;
  free(announced(p));
  go_on();
}
