// SPDX-License-Identifier: MIT
// Frees the middle of a medium block.
#include "misuse/fault.hpp"

int main() {
  witnesses held;
  free(announced(at(malloc(50'000), 4096)));
  held.finish();
}
