// SPDX-License-Identifier: MIT
// In front of an aligned block.
#include "../faulty.hpp"

int main() {
  char* const p = static_cast<char*>(aligned_alloc(128, 128));  // made
  if (faulty) hidden(p)[-1] = 2;
  free(p);  // noticed
}
