// SPDX-License-Identifier: MIT
// Deletes a variable of main's stack.
#include "misuse/fault.hpp"

int main() {
  char variable[64] = {};
  ::operator delete(announced(variable));
  go_on();
}
