// SPDX-License-Identifier: MIT
// What realloc has moved is freed at its old place.
#include "../faulty.hpp"

int main() {
  void* const p = malloc(30);                    // made
  void* const moved = realloc(hidden(p), 3000);  // freed
  free(faulty ? hidden(p) : moved);              // noticed
}
