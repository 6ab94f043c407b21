// SPDX-License-Identifier: MIT
// A consumer frees what a producer made that sleeps ever since: what it freed is used again.
#include <pthread.h>

#include "replace/support/check.hpp"

namespace {

constexpr size_t block_count = 400'000;
constexpr size_t block_size = 200;

void** blocks = nullptr;
pthread_barrier_t made;
pthread_barrier_t finished;

void* produce_and_sleep(void*) {
  for (size_t i = 0; i < block_count; ++i) blocks[i] = memset(malloc(block_size), 1, block_size);
  pthread_barrier_wait(&made);
  pthread_barrier_wait(&finished);  // asleep until the end of the test
  return nullptr;
}

/// Frees what the producer made, then makes and frees as much itself, many times over.
size_t consume() {
  size_t peak = 0;
  for (unsigned round = 0; round < 10; ++round) {
    for (size_t i = 0; i < block_count; ++i) free(blocks[i]);
    for (size_t i = 0; i < block_count; ++i) blocks[i] = memset(malloc(block_size), 2, block_size);
    const size_t now = resident_bytes();
    peak = now > peak ? now : peak;
  }
  for (size_t i = 0; i < block_count; ++i) free(blocks[i]);
  return peak;
}

}  // namespace

int main() {
  expect_ashlar();
  blocks = static_cast<void**>(calloc(block_count, sizeof(void*)));
  pthread_barrier_init(&made, nullptr, 2);
  pthread_barrier_init(&finished, nullptr, 2);
  pthread_t producer;
  expect(pthread_create(&producer, nullptr, produce_and_sleep, nullptr) == 0, "a thread");
  pthread_barrier_wait(&made);
  const size_t with_all = resident_bytes();
  const size_t peak = consume();
  const size_t after = resident_bytes();
  printf("made: %zu MiB, peak while consuming: %zu MiB, at the end: %zu MiB\n", with_all >> 20,
         peak >> 20, after >> 20);
  expect(peak <= with_all + with_all / 10, "the consumer lives on what it freed");
  pthread_barrier_wait(&finished);
  pthread_join(producer, nullptr);
  free(blocks);
  return 0;
}
