// SPDX-License-Identifier: MIT
// Twice, with so many others freed in between that what is remembered of freed blocks has grown.
#include "../faulty.hpp"

static void free_others(size_t count, size_t size) {
  void** const others = static_cast<void**>(calloc(count, sizeof(void*)));
  for (size_t i = 0; i < count; ++i) others[i] = malloc(size);
  for (size_t i = 0; i < count; ++i) free(hidden(others[i]));
  free(others);
}

int main() {
  for (int i = 0; i < 60; ++i) free_others(1000, 8000);
  void* const p = malloc(30);  // made
  free(hidden(p));             // freed
  free_others(100000, 30);
  if (faulty) free(hidden(p));  // noticed
}
