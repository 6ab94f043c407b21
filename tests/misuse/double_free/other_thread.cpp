// SPDX-License-Identifier: MIT
// Frees a small block in its own thread and then again in another one.
#include <pthread.h>

#include "misuse/fault.hpp"

int main() {
  witnesses held;
  void* const p = announced(malloc(48));
  void* const neighbour = malloc(48);
  free(p);
  malloc_trim(0);  // from the thread's bin into the slab, where all threads see it
  const auto free_it = [](void* q) -> void* {
    free(q);
    return nullptr;
  };
  pthread_t thread;
  if (pthread_create(&thread, nullptr, free_it, p) != 0 || pthread_join(thread, nullptr) != 0)
    return 3;
  malloc_trim(0);  // from the ended thread's bin
  free(neighbour);
  held.finish();
}
