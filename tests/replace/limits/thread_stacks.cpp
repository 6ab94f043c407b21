// SPDX-License-Identifier: MIT
// Under RLIMIT_AS the heap leaves room for the stacks of threads. Arguments: how many of 8 MiB.
#include <pthread.h>

#include <cstdlib>

#include "replace/support/check.hpp"

namespace {

constexpr size_t stack_size = size_t{8} << 20;

pthread_barrier_t all_there;

void* allocate_and_wait(void*) {
  free(malloc(1000));
  pthread_barrier_wait(&all_there);
  return nullptr;
}

}  // namespace

int main(int, char** arguments) {
  expect_ashlar();
  const auto count = static_cast<unsigned>(strtoul(arguments[1], nullptr, 10));
  expect(count > 0 && count < 1000, "a number of threads");
  free(malloc(3'000'000));
  pthread_barrier_init(&all_there, nullptr, count + 1);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, stack_size);
  static pthread_t threads[1000];
  for (unsigned i = 0; i < count; ++i)
    expect(pthread_create(&threads[i], &attributes, allocate_and_wait, nullptr) == 0,
           "there is room for its stack");
  pthread_barrier_wait(&all_there);
  for (unsigned i = 0; i < count; ++i) pthread_join(threads[i], nullptr);
}
