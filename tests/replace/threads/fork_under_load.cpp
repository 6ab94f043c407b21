// SPDX-License-Identifier: MIT
// A thousand forks under four allocating threads: no child hangs, and none finds a broken heap.
#include <pthread.h>
#include <sys/wait.h>

#include <atomic>

#include "replace/support/check.hpp"

namespace {

constexpr unsigned thread_count = 4;
constexpr unsigned fork_count = 1000;
constexpr unsigned block_count = 100;
constexpr int child_seconds = 20;  // a healthy child takes milliseconds

std::atomic<bool> stop{false};

/// What the main thread holds while it forks: children check and free it.
void* held[block_count];

void* allocate_all_the_time(void* seed) {
  random_numbers random(reinterpret_cast<uintptr_t>(seed));
  void* blocks[block_count] = {};
  while (!stop.load(std::memory_order_relaxed)) {
    void*& p = blocks[random.below(block_count)];
    if (random.below(3) == 0) {
      p = realloc(p, random.size_up_to(20'000));
    } else {
      free(p);
      p = malloc(random.size_up_to(4'000));
    }
  }
  for (void* p : blocks) free(p);
  return nullptr;
}

size_t held_size(unsigned i) { return 16 + i * 37; }

void check_held() {
  for (unsigned i = 0; i < block_count; ++i)
    expect(is_filled(held[i], held_size(i), i), "the main thread's blocks are whole");
}

void* allocate_a_little(void*) {
  for (unsigned i = 0; i < 200; ++i) free(malloc(i * 100));
  return nullptr;
}

[[noreturn]] void run_child(unsigned number) {
  alarm(child_seconds);
  check_held();
  random_numbers random(number);
  void* blocks[100];
  for (unsigned i = 0; i < 100; ++i) {
    blocks[i] = malloc(200 + i);
    fill(blocks[i], 200 + i, i);
  }
  for (unsigned i = 0; i < block_count; ++i) free(held[i]);
  for (unsigned i = 0; i < 500; ++i) free(malloc(random.size_up_to(300'000)));
  for (unsigned i = 0; i < 100; ++i) {
    expect(is_filled(blocks[i], 200 + i, i), "the child's blocks are whole");
    free(blocks[i]);
  }
  if (number % 50 == 0) {  // threads and forks work in a child, too
    pthread_t thread;
    expect(pthread_create(&thread, nullptr, allocate_a_little, nullptr) == 0, "a thread");
    pthread_join(thread, nullptr);
    const pid_t grandchild = fork();
    if (grandchild == 0) {
      allocate_a_little(nullptr);
      _exit(0);
    }
    int status = 0;
    expect(waitpid(grandchild, &status, 0) == grandchild && status == 0, "a grandchild");
  }
  _exit(0);
}

}  // namespace

int main() {
  expect_ashlar();
  pthread_t threads[thread_count];
  for (uintptr_t t = 0; t < thread_count; ++t)
    expect(pthread_create(&threads[t], nullptr, allocate_all_the_time,
                          reinterpret_cast<void*>(t)) == 0,
           "a thread");
  for (unsigned i = 0; i < fork_count; ++i) {
    for (unsigned k = 0; k < block_count; ++k) {
      held[k] = malloc(held_size(k));
      fill(held[k], held_size(k), k);
    }
    const pid_t child = fork();
    expect(child >= 0, "a fork");
    if (child == 0) run_child(i);
    int status = 0;
    expect(waitpid(child, &status, 0) == child, "the child ends");
    if (WIFSIGNALED(status)) fprintf(stderr, "fork %u: signal %d\n", i, WTERMSIG(status));
    expect(status == 0, "the child did not hang (signal 14) and found all well");
    check_held();
    for (void* p : held) free(p);
  }
  stop.store(true, std::memory_order_relaxed);
  for (const pthread_t t : threads) pthread_join(t, nullptr);
  return 0;
}
