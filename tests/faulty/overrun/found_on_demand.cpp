// SPDX-License-Identifier: MIT
// The program itself asks for a check.
#include "ashlar/block_check.h"

#include "../faulty.hpp"

int main() {
  char* const p = static_cast<char*>(malloc(60));  // made
  if (faulty) hidden(p)[60] = 2;
  if (ashlar_check_blocks() != 0) return 3;
  if (faulty) return 4;
  free(p);
}
