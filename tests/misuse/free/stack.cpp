// SPDX-License-Identifier: MIT
// Frees a variable of main's stack.
#include "misuse/fault.hpp"

int main() {
  char variable[64] = {};
  free(announced(variable));
  go_on();
}
