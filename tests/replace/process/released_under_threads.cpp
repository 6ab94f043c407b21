// SPDX-License-Identifier: MIT
// release_at_exit while other threads are at work: the process still ends with its own exit code.
#include <pthread.h>
#include <sys/wait.h>

#include "replace/support/check.hpp"

namespace {

constexpr int code = 5;

void* work(void* seed) {
  for (random_numbers random(reinterpret_cast<uintptr_t>(seed)); true;) {
    auto* const block = static_cast<char*>(malloc(random.size_up_to(600'000)));
    if (block != nullptr) *opaque(block) = 1;
    free(block);
  }
  return nullptr;
}

[[noreturn]] void end_at_work() {
  pthread_t thread;
  for (uintptr_t seed = 1; seed <= 3; ++seed)
    expect(pthread_create(&thread, nullptr, work, reinterpret_cast<void*>(seed)) == 0, "a thread");
  usleep(2000);
  exit(code);
}

}  // namespace

int main() {
  expect_ashlar();
  for (int round = 0; round < 40; ++round) {
    const pid_t child = fork();
    expect(child >= 0, "a child");
    if (child == 0) end_at_work();
    int status = 0;
    expect(waitpid(child, &status, 0) == child, "which ends");
    expect(WIFEXITED(status) && WEXITSTATUS(status) == code, "with its own exit code");
  }
  return 0;
}
