// SPDX-License-Identifier: MIT
// Resizes a small number.
#include "misuse/fault.hpp"

int main() {
  witnesses held;
  void* const p = announced(reinterpret_cast<void*>(uintptr_t{48}));
  if (realloc(p, 200) != nullptr) return 5;
  held.finish();
}
