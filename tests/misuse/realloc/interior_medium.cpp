// SPDX-License-Identifier: MIT
// Resizes the middle of a medium block.
#include "misuse/fault.hpp"

int main() {
  witnesses held;
  void* const p = announced(at(malloc(50'000), 4096));
  if (realloc(p, 200) != nullptr) return 5;
  held.finish();
}
