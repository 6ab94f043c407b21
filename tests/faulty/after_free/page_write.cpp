// SPDX-License-Identifier: MIT
// Writes to a freed block: faults at once. Another block was freed since.
#include "../faulty.hpp"

int main() {
  char* const p = static_cast<char*>(calloc(80, 1));  // made
  void* const other = malloc(200);
  free(hidden(p));  // freed
  free(hidden(other));
  if (faulty) hidden(p)[3] = 2;  // noticed
  return 0;
}
