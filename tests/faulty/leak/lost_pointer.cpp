// SPDX-License-Identifier: MIT
// The only pointer is overwritten.
#include "../faulty.hpp"

static char* only;

int main() {
  only = static_cast<char*>(malloc(100));  // made
  if (faulty) only = nullptr;
}
