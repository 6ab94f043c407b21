// SPDX-License-Identifier: MIT
// A thread ends with the only pointer, which its stack still holds; libc keeps that for another
// one. The result of a thread that nobody has joined yet is no leak.
#include <signal.h>
#include <unistd.h>

#include "../faulty.hpp"

static volatile pid_t number;

static void* drops(void*) {
  char* const p = static_cast<char*>(malloc(100));  // made
  // What runs at the end of a thread overwrites a part of that.
  char* volatile all[1000];
  for (char* volatile& each : all) each = p;
  if (!faulty) free(all[0]);
  return nullptr;
}

static void* gives_back(void*) {
  number = gettid();
  return malloc(200);
}

/// Makes a thread that has ended, and that nobody has joined.
static void leave_unjoined() {
  pthread_t thread;
  number = 0;
  pthread_create(&thread, nullptr, gives_back, nullptr);
  while (number == 0 || tgkill(getpid(), number, 0) == 0) usleep(1000);
}

int main() {
  leave_unjoined();
  pthread_t thread;
  pthread_create(&thread, nullptr, drops, nullptr);
  pthread_join(thread, nullptr);
}
