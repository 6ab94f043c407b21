// SPDX-License-Identifier: MIT
// Frees a function.
#include "misuse/fault.hpp"

int main() {
  free(announced(reinterpret_cast<void*>(&go_on)));
  go_on();
}
