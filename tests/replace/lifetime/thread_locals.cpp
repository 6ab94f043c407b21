// SPDX-License-Identifier: MIT
// Thread-local objects allocate in their constructors and destructors, in every order of first use.
#include <pthread.h>

#include <map>
#include <string>
#include <vector>

#include "replace/lifetime/churn.hpp"

namespace {

unsigned ended = 0;

struct noisy {
  explicit noisy(unsigned s) : seed(s), block(malloc(100)) { churn(seed); }
  ~noisy() {
    churn(seed);
    free(block);
    ++ended;
  }
  unsigned seed;
  void* block;
};

void touch(noisy& n) { fill(n.block, 100, n.seed); }

/// A thread whose first allocation is inside a thread-local's constructor.
void* first_use_is_thread_local(void*) {
  static thread_local noisy first(1);
  static thread_local noisy second(2);
  static thread_local std::map<int, std::string> tree;
  touch(first);
  touch(second);
  for (int i = 0; i < 100; ++i) tree[i] = std::string(static_cast<size_t>(i) * 3, 'x');
  return nullptr;
}

/// A thread that has allocated long before its first thread-local with a destructor.
void* first_use_is_malloc(void*) {
  churn(3);
  static thread_local noisy late(4);
  static thread_local std::vector<void*> blocks;
  touch(late);
  for (int i = 0; i < 1000; ++i) blocks.push_back(malloc(50));
  for (void* p : blocks) free(p);
  return nullptr;
}

void run(void* (*body)(void*)) {
  pthread_t thread;
  expect(pthread_create(&thread, nullptr, body, nullptr) == 0, "a thread");
  expect(pthread_join(thread, nullptr) == 0, "which ends");
}

}  // namespace

int main() {
  expect_ashlar();
  for (unsigned round = 0; round < 100; ++round) {
    run(first_use_is_thread_local);
    run(first_use_is_malloc);
  }
  expect(ended == 300, "all destructors ran");
  return 0;
}
