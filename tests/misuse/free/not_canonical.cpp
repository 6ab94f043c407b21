// SPDX-License-Identifier: MIT
// Frees a block's address with bits set that no address has.
#include "misuse/fault.hpp"

int main() {
  void* const p = malloc(100);
  free(announced(reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(p) | uintptr_t{1} << 62)));
  malloc_trim(0);  // from the thread's bin into the slab: here at the latest it must be seen
  free(p);
  go_on();
}
