// SPDX-License-Identifier: MIT
// In front of a block that is never freed, and that only a static pointer leads to.
#include "../faulty.hpp"

char* kept = nullptr;

int main() {
  kept = static_cast<char*>(aligned_alloc(1 << 16, 5000));  // made
  if (faulty) hidden(kept)[-16] = 2;
}
