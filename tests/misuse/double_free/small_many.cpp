// SPDX-License-Identifier: MIT
// Frees a small block twice, and then so many that the thread's bin overflows.
#include "misuse/fault.hpp"

int main() {
  witnesses held;
  static void* others[5000];
  void* const p = announced(malloc(48));
  for (void*& q : others) q = malloc(48);
  free(p);
  free(p);
  for (void* q : others) free(q);
  held.finish();
}
