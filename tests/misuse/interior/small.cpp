// SPDX-License-Identifier: MIT
// Frees the middle of a small block.
#include "misuse/fault.hpp"

int main() {
  witnesses held;
  free(announced(at(malloc(160), 16)));
  held.finish();
}
