// SPDX-License-Identifier: MIT
// Resizes the middle of a large block.
#include "misuse/fault.hpp"

int main() {
  witnesses held;
  void* const p = announced(at(malloc(4'000'000), 65'536));
  if (realloc(p, 200) != nullptr) return 5;
  held.finish();
}
