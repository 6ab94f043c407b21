// SPDX-License-Identifier: MIT
// A producer and a consumer in step, for long: memory stays what is in flight.
#include <pthread.h>
#include <sched.h>

#include <atomic>

#include "replace/support/check.hpp"

namespace {

constexpr size_t slots = 1024;
constexpr size_t total = 3'000'000;

std::atomic<void*> ring[slots];

void* produce(void*) {
  random_numbers random(3);
  for (size_t i = 0; i < total; ++i) {
    const size_t size = 16 + random.below(400);
    void* const p = malloc(size);
    memset(p, static_cast<int>(size), size);
    while (ring[i % slots].load(std::memory_order_relaxed) != nullptr) sched_yield();
    ring[i % slots].store(p, std::memory_order_release);  // with the consumer's acquire
  }
  return nullptr;
}

}  // namespace

int main() {
  expect_ashlar();
  pthread_t producer;
  expect(pthread_create(&producer, nullptr, produce, nullptr) == 0, "a thread");
  size_t early = 0;
  for (size_t i = 0; i < total; ++i) {
    void* p = nullptr;
    while ((p = ring[i % slots].load(std::memory_order_acquire)) == nullptr) sched_yield();
    ring[i % slots].store(nullptr, std::memory_order_relaxed);
    free(p);
    if (i == total / 10) early = resident_bytes();
  }
  pthread_join(producer, nullptr);
  const size_t late = resident_bytes();
  printf("resident after a tenth: %zu KiB, at the end: %zu KiB\n", early >> 10, late >> 10);
  expect(late <= early + (2u << 20), "memory does not grow");
  return 0;
}
