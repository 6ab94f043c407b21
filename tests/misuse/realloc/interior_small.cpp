// SPDX-License-Identifier: MIT
// Resizes the middle of a small block.
#include "misuse/fault.hpp"

int main() {
  witnesses held;
  void* const p = announced(at(malloc(160), 16));
  if (realloc(p, 200) != nullptr) return 5;
  held.finish();
}
