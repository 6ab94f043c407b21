// SPDX-License-Identifier: MIT
// Frees a block twice that had a mapping of its own.
#include "misuse/fault.hpp"

int main() {
  witnesses held;
  void* const p = announced(malloc(100'000'000));
  free(p);
  free(p);
  held.finish();
}
