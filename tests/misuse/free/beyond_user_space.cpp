// SPDX-License-Identifier: MIT
// Frees an address that no program can have: it is the kernel's.
#include "misuse/fault.hpp"

int main() {
  free(announced(reinterpret_cast<void*>(~uintptr_t{0} - 4095)));
  go_on();
}
