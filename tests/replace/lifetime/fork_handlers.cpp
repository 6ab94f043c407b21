// SPDX-License-Identifier: MIT
// Handlers of pthread_atfork allocate, whether registered before or after ashlar's own.
#include <pthread.h>
#include <sys/wait.h>

#include "replace/lifetime/churn.hpp"

namespace {

unsigned before = 0;
unsigned in_parent = 0;

void* held = nullptr;

void prepare() {
  churn(1);
  held = malloc(2000);
  fill(held, 2000, 9);
  ++before;
}

void done(unsigned seed) {
  churn(seed);
  expect(is_filled(held, 2000, 9), "what was allocated before the fork is whole");
  free(held);
}

// As early as it gets: before main, and before the constructors of most libraries.
__attribute__((constructor(101))) void register_early() {
  pthread_atfork([] { churn(4); }, [] { churn(5); }, [] { churn(6); });
}

}  // namespace

int main() {
  expect_ashlar();
  pthread_atfork(
      prepare,
      [] {
        done(2);
        ++in_parent;
      },
      [] { done(3); });
  for (unsigned round = 0; round < 50; ++round) {
    const pid_t child = fork();
    expect(child >= 0, "a fork");
    if (child == 0) {
      churn(7);
      exit(0);
    }
    int status = 0;
    expect(waitpid(child, &status, 0) == child, "the child ends");
    expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "and ends well");
  }
  expect(before == 50 && in_parent == 50, "all handlers ran");
  return 0;
}
