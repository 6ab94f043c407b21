// SPDX-License-Identifier: MIT
// In two threads at the same time, until one finds that the other has been quicker.
#include "../faulty.hpp"

static void* shared;
static pthread_barrier_t both;

static void* free_shared(void*) {
  pthread_barrier_wait(&both);
  free(hidden(shared));  // noticed
  return nullptr;
}

int main() {
  pthread_barrier_init(&both, nullptr, 2);
  for (int i = 0; i < 50; ++i) {
    pthread_t other;
    shared = malloc(30);
    pthread_create(&other, nullptr, free_shared, nullptr);
    if (faulty)
      free_shared(nullptr);
    else
      pthread_barrier_wait(&both);
    pthread_join(other, nullptr);
  }
}
