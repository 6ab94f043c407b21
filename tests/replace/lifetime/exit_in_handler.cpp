// SPDX-License-Identifier: MIT
// _exit from a signal handler, which may have interrupted malloc anywhere, also while it holds a
// lock, in a process that publishes its record: the process ends at once.
//
// The option `snapshot` needs a folder, so the program starts itself a second time with one.
#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "replace/support/check.hpp"

namespace {

constexpr int rounds = 100;
constexpr int code = 7;

void leave(int) { _exit(code); }

/// Keeps the locks of the heap busy until the timer strikes.
[[noreturn]] void allocate_until_interrupted(int microseconds) {
  struct sigaction action = {};
  action.sa_handler = leave;
  sigaction(SIGALRM, &action, nullptr);
  const itimerval timer = {{0, 0}, {0, microseconds}};
  setitimer(ITIMER_REAL, &timer, nullptr);
  while (true) free(opaque(malloc(500'000)));
}

bool ends_in_time(pid_t child) {
  int status = 0;
  for (int i = 0; i < 5000; ++i) {
    if (waitpid(child, &status, WNOHANG) == child)
      return WIFEXITED(status) && WEXITSTATUS(status) == code;
    usleep(2000);
  }
  kill(child, SIGKILL);
  waitpid(child, &status, 0);
  return false;
}

int start_again(char* self) {
  char folder[] = "/tmp/ashlar-exit-XXXXXX";
  expect(mkdtemp(folder) != nullptr, "a folder");
  char options[64];
  snprintf(options, sizeof(options), "snapshot=%s", folder);
  setenv("ASHLAR_OPTIONS", options, 1);
  const pid_t child = fork();
  if (child == 0) {
    execl("/proc/self/exe", self, folder, nullptr);
    _exit(127);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  rmdir(folder);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

void remove_record(const char* folder, pid_t process, const char* what) {
  char path[128];
  snprintf(path, sizeof(path), "%s/%d.ashlar", folder, process);
  expect(unlink(path) == 0, what);
}

}  // namespace

int main(int count, char** arguments) {
  expect_ashlar();
  if (count == 1) return start_again(arguments[0]);
  for (int i = 0; i < rounds; ++i) {
    const pid_t child = fork();
    expect(child >= 0, "a child");
    if (child == 0) allocate_until_interrupted(300 + 37 * i);
    const bool ended = ends_in_time(child);
    remove_record(arguments[1], child, "it published a record");
    expect(ended, "it ends though its handler interrupted malloc");
  }
  remove_record(arguments[1], getpid(), "so does this process");
  return 0;
}
