// SPDX-License-Identifier: MIT
// Frees a large block twice.
#include "misuse/fault.hpp"

int main() {
  witnesses held;
  void* const p = announced(malloc(1'000'000));
  free(p);
  free(p);
  held.finish();
}
