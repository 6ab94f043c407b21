// SPDX-License-Identifier: MIT
// ashlar-measure: starts a program with an allocator preloaded and writes what the run cost.
//
//   ashlar-measure RESULT_FILE PRELOAD|- TIMES PROGRAM [ARGS...]
//
// The result is one JSON line for each of the TIMES starts: wall seconds from before the spawn to
// after the wait, user and system seconds and peak resident KiB of the program and the children it
// waited for.
//
// Why a program of its own: Linux counts the resident size of the process that spawns as the first
// peak of the one that is spawned, so a child of a Python program never shows a peak below Python's
// 20 MiB. This one is static, allocates nothing and stays below the peak of any dynamic program.
// LD_PRELOAD is set for the measured program only.
#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace {

constexpr int launcher_failed = 125;

double now_seconds() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

/// Builds the environment of the program: ours without LD_PRELOAD, then the one asked for.
char** environment_with(const char* preload) {
  static char setting[4096];
  static char* variables[2048];
  std::size_t count = 0;
  for (char** each = environ; *each != nullptr && count < 2040; ++each) {
    if (std::strncmp(*each, "LD_PRELOAD=", 11) != 0) variables[count++] = *each;
  }
  if (std::strcmp(preload, "-") != 0) {
    std::snprintf(setting, sizeof setting, "LD_PRELOAD=%s", preload);
    variables[count++] = setting;
  }
  return variables;
}

/// Runs the program once; returns its wait status, or -1 when it could not be started.
int run_once(int result, char** environment, char** command) {
  const double begin = now_seconds();
  pid_t child = 0;
  const int error = posix_spawnp(&child, command[0], nullptr, nullptr, command, environment);
  if (error != 0) {
    dprintf(STDERR_FILENO, "ashlar-measure: %s: %s\n", command[0], std::strerror(error));
    return -1;
  }
  int status = 0;
  rusage usage{};
  while (wait4(child, &status, 0, &usage) < 0) {
    if (errno != EINTR) return -1;
  }
  const double wall = now_seconds() - begin;
  dprintf(result,
          "{\"seconds\":%.6f,\"user\":%.6f,\"system\":%.6f,\"max_rss_kib\":%ld,"
          "\"exit\":%d,\"signal\":%d}\n",
          wall, seconds_of(usage.ru_utime), seconds_of(usage.ru_stime), usage.ru_maxrss,
          WIFEXITED(status) ? WEXITSTATUS(status) : -1, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) {
    dprintf(STDERR_FILENO, "usage: ashlar-measure RESULT_FILE PRELOAD|- TIMES PROGRAM [ARGS...]\n");
    return launcher_failed;
  }
  const int result = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (result < 0) {
    dprintf(STDERR_FILENO, "ashlar-measure: %s: %s\n", argv[1], std::strerror(errno));
    return launcher_failed;
  }
  char** environment = environment_with(argv[2]);
  const long times = std::strtol(argv[3], nullptr, 10);
  for (long i = 0; i < times; ++i) {
    const int status = run_once(result, environment, argv + 4);
    if (status < 0) return launcher_failed;
    if (status != 0) break;  // a failed start is a result too, but there is no use in repeating it
  }
  return 0;
}
