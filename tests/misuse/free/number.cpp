// SPDX-License-Identifier: MIT
// Frees a small number, as a program does that mistook a count for a pointer.
#include "misuse/fault.hpp"

int main() {
  free(announced(reinterpret_cast<void*>(uintptr_t{48})));
  go_on();
}
