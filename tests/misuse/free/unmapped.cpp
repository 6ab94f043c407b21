// SPDX-License-Identifier: MIT
// Frees an address that nothing is mapped at.
#include <sys/mman.h>

#include "misuse/fault.hpp"

int main() {
  void* const p = mmap(nullptr, 1 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED || munmap(p, 1 << 20) != 0) return 3;
  free(announced(p));
  go_on();
}
