// SPDX-License-Identifier: MIT
// Resizes a freed block that had a mapping of its own.
#include "misuse/fault.hpp"

int main() {
  witnesses held;
  void* const p = announced(malloc(100'000'000));
  free(p);
  if (realloc(p, 200) != nullptr) return 5;
  held.finish();
}
