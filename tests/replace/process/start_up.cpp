// SPDX-License-Identifier: MIT
// What the library costs a program that does nothing: system calls, instructions and peak memory of
// `true`, with and without it. Argument: the library's path.
//
// The program is traced: stepped through, and stopped where it ends, when the kernel still tells
// its peak. So the figures do not depend on the machine's mood; time is the benchmark's business.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

struct cost {
  long calls = 0;
  long instructions = 0;
  long peak_kib = 0;
};

constexpr cost most_extra = {48, 1'000'000, 1024};

[[noreturn]] void run_true(const char* library) {
  if (library != nullptr) setenv("LD_PRELOAD", library, 1);
  unsetenv("ASHLAR_OPTIONS");
  ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
  raise(SIGSTOP);
  execlp("true", "true", static_cast<char*>(nullptr));
  _exit(3);
}

long peak_kib_of(pid_t process) {
  char path[64];
  snprintf(path, sizeof(path), "/proc/%d/status", process);
  FILE* const file = fopen(path, "r");
  char line[256];
  long kib = 0;
  while (file != nullptr && fgets(line, sizeof(line), file) != nullptr)
    if (sscanf(line, "VmHWM: %ld kB", &kib) == 1) break;
  if (file != nullptr) fclose(file);
  return kib;
}

bool is_event(int status, int event) { return status >> 8 == (SIGTRAP | event << 8); }

/// Runs `true` once, moving from stop to stop by `request`. Returns how many stops there were after
/// it was loaded, and its peak.
cost trace(const char* library, int request) {
  const pid_t child = fork();
  if (child == 0) run_true(library);
  int status = 0;
  waitpid(child, &status, 0);
  ptrace(PTRACE_SETOPTIONS, child, nullptr,
         PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT | PTRACE_O_TRACESYSGOOD);
  cost total;
  bool loaded = false;
  int next = PTRACE_CONT;
  while (true) {
    ptrace(static_cast<__ptrace_request>(next), child, nullptr, nullptr);
    waitpid(child, &status, 0);
    if (!WIFSTOPPED(status)) break;
    if (is_event(status, PTRACE_EVENT_EXEC)) {
      loaded = true;
      next = request;
    } else if (is_event(status, PTRACE_EVENT_EXIT)) {
      total.peak_kib = peak_kib_of(child);
      next = PTRACE_CONT;
    } else if (loaded) {
      (request == PTRACE_SINGLESTEP ? total.instructions : total.calls) += 1;
    }
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    fprintf(stderr, "true ended with status %x\n", static_cast<unsigned>(status));
    exit(1);
  }
  return total;
}

cost measure(const char* library) {
  cost total = trace(library, PTRACE_SYSCALL);
  total.calls /= 2;  // each stops twice: on the way in and on the way out
  total.instructions = trace(library, PTRACE_SINGLESTEP).instructions;
  return total;
}

bool compare(const char* name, long without, long with, long most) {
  printf("%-16s %8ld without, %8ld with the library: %+ld (at most %ld)\n", name, without, with,
         with - without, most);
  return with - without <= most && without > 0;
}

}  // namespace

int main(int, char** arguments) {
  const cost without = measure(nullptr);
  const cost with = measure(arguments[1]);
  bool good = compare("system calls", without.calls, with.calls, most_extra.calls);
  good &= compare("instructions", without.instructions, with.instructions, most_extra.instructions);
  good &= compare("peak KiB", without.peak_kib, with.peak_kib, most_extra.peak_kib);
  return good ? 0 : 1;
}
