// SPDX-License-Identifier: MIT
// realloc fails, and its null replaces the pointer.
#include "../faulty.hpp"

static char* only;

int main() {
  only = static_cast<char*>(malloc(100));  // made
  only = static_cast<char*>(realloc(only, faulty ? SIZE_MAX / 4 : 200));
}
