// SPDX-License-Identifier: MIT
// malloc and free are no cancellation points, also where they publish a record or report a fault:
// a thread that ended in the middle would leave a lock behind, and nobody could fork or end.
#include <pthread.h>
#include <sys/wait.h>
#include <time.h>

#include "replace/support/check.hpp"

namespace {

bool came_through = false;
int no_block = 0;

double seconds() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

void* allocate_while_cancelled(void*) {
  pthread_cancel(pthread_self());  // takes effect at the next cancellation point
  free(opaque(&no_block));         // a fault, of which a line is written
  // Longer than the pause between two records, so that at least one is written here.
  for (const double start = seconds(); seconds() - start < 0.3;) free(opaque(malloc(500'000)));
  came_through = true;
  pthread_testcancel();
  return nullptr;
}

}  // namespace

int main(int, char** arguments) {
  expect_ashlar();
  pthread_t thread;
  expect(pthread_create(&thread, nullptr, allocate_while_cancelled, nullptr) == 0, "a thread");
  void* result = nullptr;
  expect(pthread_join(thread, &result) == 0, "which ends");
  expect(came_through, "not in malloc or free");
  expect(result == PTHREAD_CANCELED, "but where it may be cancelled");
  char record[512];
  snprintf(record, sizeof(record), "%s/%d.ashlar", arguments[1], getpid());
  expect(unlink(record) == 0, "a record was published");
  return 0;
}
