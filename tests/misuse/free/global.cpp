// SPDX-License-Identifier: MIT
// Frees a global variable.
#include "misuse/fault.hpp"

char variable[64] = {1};

int main() {
  free(announced(variable));
  go_on();
}
