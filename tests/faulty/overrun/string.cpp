// SPDX-License-Identifier: MIT
// strcpy of a text that is too long.
#include "../faulty.hpp"

int main() {
  char* const p = static_cast<char*>(malloc(12));  // made
  strcpy(hidden(p), faulty ? "twelve bytes" : "eleven byte");
  free(p);  // noticed
}
