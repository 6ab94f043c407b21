// SPDX-License-Identifier: MIT
// Fork handlers that a library registered before anybody allocated may wait for its own threads and
// locks, while those wait for malloc: ours are registered before any others, and so run last.
#include <pthread.h>
#include <sys/wait.h>

#include "replace/support/check.hpp"

extern "C" {
void early_start();
void early_allocate_locked();
}

namespace {

void* allocate_for_ever(void*) {
  while (true) early_allocate_locked();
  return nullptr;
}

}  // namespace

int main() {
  expect_ashlar();
  early_start();
  pthread_t thread;
  for (int i = 0; i < 2; ++i)
    expect(pthread_create(&thread, nullptr, allocate_for_ever, nullptr) == 0, "a thread");
  for (int round = 0; round < 200; ++round) {
    const pid_t child = fork();
    expect(child >= 0, "a fork");
    if (child == 0) {
      early_allocate_locked();
      _exit(0);
    }
    int status = 0;
    expect(waitpid(child, &status, 0) == child, "the child ends");
    expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "and ends well");
  }
  _exit(0);  // with the threads at work
}
