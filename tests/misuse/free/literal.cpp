// SPDX-License-Identifier: MIT
// Frees a string literal, which lies in read-only memory.
#include "misuse/fault.hpp"

int main() {
  free(announced("a literal that nobody allocated"));
  go_on();
}
