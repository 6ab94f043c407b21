// SPDX-License-Identifier: MIT
// `check_every` finds it at the next call.
#include "../faulty.hpp"

int main() {
  char* const p = static_cast<char*>(malloc(60));  // made
  if (faulty) hidden(p)[60] = 2;
  char* const other = static_cast<char*>(malloc(10));
  if (faulty) abort();
  free(other);
  free(p);
}
