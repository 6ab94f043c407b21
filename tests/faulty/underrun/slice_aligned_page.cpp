// SPDX-License-Identifier: MIT
// Touches the page in front of a block that is aligned to what the heap is divided into.
#include "../faulty.hpp"

int main() {
  char* const p = static_cast<char*>(aligned_alloc(1 << 17, 5000));  // made
  if (faulty) hidden(p)[-1] = 2;                                     // noticed
  free(p);
}
