// SPDX-License-Identifier: MIT
// Nobody frees the block: the end of the program finds it.
#include "../faulty.hpp"

static char* kept;

int main() {
  kept = static_cast<char*>(malloc(60));  // made
  if (faulty) hidden(kept)[60] = 2;
}
