// SPDX-License-Identifier: MIT
// Resizes a large block that was freed.
#include "misuse/fault.hpp"

int main() {
  witnesses held;
  void* const p = announced(malloc(1'000'000));
  free(p);
  if (realloc(p, 200) != nullptr) return 5;
  held.finish();
}
