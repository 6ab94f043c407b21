// SPDX-License-Identifier: MIT
// A word behind the end.
#include "../faulty.hpp"

int main() {
  char* const p = static_cast<char*>(malloc(40));  // made
  if (faulty) hidden(p)[47] = 2;
  free(p);  // noticed
}
