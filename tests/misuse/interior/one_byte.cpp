// SPDX-License-Identifier: MIT
// Frees one byte past the start of a small block.
#include "misuse/fault.hpp"

int main() {
  witnesses held;
  free(announced(at(malloc(24), 1)));
  held.finish();
}
