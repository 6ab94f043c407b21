// SPDX-License-Identifier: MIT
// Resizes a variable of main's stack.
#include "misuse/fault.hpp"

int main() {
  witnesses held;
  char variable[64] = {};
  void* const p = announced(variable);
  if (realloc(p, 200) != nullptr) return 5;
  held.finish();
}
