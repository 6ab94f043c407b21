// SPDX-License-Identifier: MIT
// What log.py expects in the log: blocks of sizes that nothing else asks for.
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <new>

namespace {

void* volatile hidden;

__attribute__((noinline)) void* make(size_t size) {
  hidden = malloc(size);
  return hidden;
}

void* other_thread(void*) {
  free(make(10002));
  return nullptr;
}

}  // namespace

// `end`: how it ends. With `many`: so many pairs more.
int main(int count, char** words) {
  const char end = count > 1 ? words[1][0] : 'r';
  for (int i = count > 2 ? atoi(words[2]) : 0; i > 0; --i) free(make(10009));
  void* p = make(10001);
  pthread_t thread;
  if (pthread_create(&thread, nullptr, other_thread, nullptr) == 0) pthread_join(thread, nullptr);
  p = realloc(p, 10003);
  hidden = aligned_alloc(4096, 12288);
  free(hidden);
  hidden = malloc(static_cast<size_t>(-1) / 4);  // refused
  hidden = new (std::nothrow) char[10004];
  delete[] static_cast<char*>(hidden);
  if (end == 'f' && fork() == 0) {
    free(make(10005));
    _exit(0);
  }
  if (end == 'v' && vfork() == 0) _exit(0);
  if (end == 'k') kill(getpid(), SIGKILL);
  if (end == 'd') {
    free(p);
    free(p);
  }
  if (end == 'x') _exit(0);
  free(p);
  if (end == 'e') {
    execl(words[0], words[0], "r", static_cast<char*>(nullptr));
    return 1;
  }
  return 0;
}
