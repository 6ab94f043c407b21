// SPDX-License-Identifier: MIT
// Destructors of pthread keys allocate and free, in every round that they are called in.
#include <limits.h>
#include <pthread.h>

#include "replace/lifetime/churn.hpp"

namespace {

constexpr unsigned key_count = 200;  // beyond those that a thread has room for inline
pthread_key_t keys[key_count];
unsigned destroyed = 0;

/// Sets its key again until the last round, so that it runs after whatever else ends in a thread.
void on_end(void* value) {
  auto* const rounds = static_cast<unsigned*>(value);
  churn(*rounds);
  ++destroyed;
  const unsigned index = rounds[1];
  const unsigned left = *rounds;
  free(rounds);
  if (left == 0) return;
  auto* const next = static_cast<unsigned*>(malloc(2 * sizeof(unsigned)));
  next[0] = left - 1;
  next[1] = index;
  pthread_setspecific(keys[index], next);
}

void* run(void*) {
  for (unsigned i = 0; i < key_count; ++i) {
    auto* const value = static_cast<unsigned*>(malloc(2 * sizeof(unsigned)));
    value[0] = PTHREAD_DESTRUCTOR_ITERATIONS - 2;
    value[1] = i;
    pthread_setspecific(keys[i], value);
  }
  return nullptr;
}

}  // namespace

int main() {
  expect_ashlar();
  for (pthread_key_t& key : keys) expect(pthread_key_create(&key, on_end) == 0, "a key");
  for (unsigned round = 0; round < 5; ++round) {
    destroyed = 0;
    pthread_t thread;
    expect(pthread_create(&thread, nullptr, run, nullptr) == 0, "a thread");
    expect(pthread_join(thread, nullptr) == 0, "which ends");
    expect(destroyed == key_count * (PTHREAD_DESTRUCTOR_ITERATIONS - 1), "all destructors ran");
  }
  return 0;
}
