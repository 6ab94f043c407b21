// SPDX-License-Identifier: MIT
#include "ashlar/replace/capture/self_copy.hpp"

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "ashlar/base/units.hpp"
#include "ashlar/observe/thread_state.hpp"
#include "ashlar/structure/lock.hpp"

namespace ashlar::replace {

namespace {

constexpr std::size_t stack_size = 256_KiB;
// For the tables of a capture and of a leak scan, in a process whose address space is used up.
constexpr std::size_t reserve_size = 16_MiB;
constexpr unsigned most_seconds = 60;

constinit os::range stack;
constinit os::range reserve;

struct task {
  bool (*work)(void*);
  void* argument;
};

// Nobody is to hear of what happens in the copy, and nothing may keep it from ending.
void take_signals_back() noexcept {
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (const int number : {SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE, SIGALRM})
    ::sigaction(number, &standard, nullptr);
  standard.sa_handler = SIG_IGN;
  for (const int number : {SIGPIPE, SIGXFSZ}) ::sigaction(number, &standard, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigaddset(&none, SIGINT);  // of the terminal: for the program, which decides what follows
  ::sigaddset(&none, SIGQUIT);
  ::sigaddset(&none, SIGTERM);
  ::sigaddset(&none, SIGHUP);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::alarm(most_seconds);
}

int begin_copy(void* argument) {
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);  // with the thread that waits for it
  take_signals_back();
  abandon_locks();
  ++observe::this_thread().muted;
  if (reserve) os::release(reserve, 0);
  const auto& what = *static_cast<const task*>(argument);
  const int status = what.work(what.argument) ? 0 : 1;
  while (true) ::syscall(SYS_exit_group, status);
}

}  // namespace

os::range copy_stack() noexcept { return stack; }

void release_copies() noexcept {
  if (stack) os::release(stack, stack.size);
  if (reserve) os::release(reserve, 0);
  stack = reserve = {};
}

bool prepare_copies() noexcept {
  if (stack) return true;
  const auto memory = os::reserve_committed(stack_size, os::page_size());
  if (!memory.ok()) return false;
  (void)os::set_name(memory.value, "ashlar observer");
  stack = memory.value;
  if (const auto more = os::reserve(reserve_size, os::page_size()); more.ok()) reserve = more.value;
  return true;
}

bool run_in_copy(bool (*work)(void*), void* argument) noexcept {
  if (!stack) return false;
  task what = {work, argument};
  // Without a signal for its end: the program's own handlers and calls of wait() never see it.
  const pid_t pid = ::clone(begin_copy, stack.end(), 0, &what);
  if (pid < 0) return false;
  int status = 0;
  while (::waitpid(pid, &status, __WALL) < 0)
    if (errno != EINTR) return false;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace ashlar::replace
