// SPDX-License-Identifier: MIT
// Behind a block that is too large to be copied when it grows: realloc resizes it as it is.
#include "../faulty.hpp"

int main() {
  constexpr size_t megabyte = 1 << 20;
  char* p = static_cast<char*>(malloc(megabyte));
  void* const other = malloc(megabyte);
  for (size_t n = 2; n < 40; n += 7) {
    p = static_cast<char*>(realloc(p, n * megabyte + 3));  // made
    memset(p, 1, n * megabyte + 3);
    if (faulty && n > 30) hidden(p)[n * megabyte + 3] = 2;
  }
  free(other);
  free(p);  // noticed
}
