// SPDX-License-Identifier: MIT
// Frees a thread-local variable.
#include "misuse/fault.hpp"

thread_local char variable[64];

int main() {
  free(announced(variable));
  go_on();
}
