// SPDX-License-Identifier: MIT
// In front of blocks that are aligned to what the heap is divided into, and to more.
#include "../faulty.hpp"

int main() {
  char* const whole = static_cast<char*>(aligned_alloc(1 << 20, 40'000'000));
  char* const p = static_cast<char*>(aligned_alloc(1 << 16, 5000));  // made
  char* const other = static_cast<char*>(aligned_alloc(1 << 22, 100));
  if (reinterpret_cast<unsigned long>(p) % (1 << 16) != 0) return 1;
  if (malloc_usable_size(p) != 5000) return 1;
  free(hidden(whole));
  if (faulty) hidden(p)[-1] = 2;
  free(p);  // noticed
  free(hidden(other));
}
