// SPDX-License-Identifier: MIT
// Frees the middle of a large block: at a slice's start, where other blocks begin.
#include "misuse/fault.hpp"

int main() {
  witnesses held;
  free(announced(at(malloc(4'000'000), 65'536)));
  held.finish();
}
