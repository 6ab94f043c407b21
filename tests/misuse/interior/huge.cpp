// SPDX-License-Identifier: MIT
// Frees the middle of a block that has a mapping of its own.
#include "misuse/fault.hpp"

int main() {
  witnesses held;
  free(announced(at(malloc(100'000'000), 50'000'000)));
  held.finish();
}
