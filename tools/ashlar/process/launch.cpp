// SPDX-License-Identifier: MIT
#include "tools/ashlar/process/launch.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "tools/ashlar/failure.hpp"
#include "tools/ashlar/process/snapshot_reader.hpp"
#include "tools/ashlar/process/unique_fd.hpp"
#include "tools/ashlar/report/text.hpp"

namespace ashlar::tool {

namespace {

/// Those that a process gets for what it does itself: they are the tool's own.
constexpr int own_signals[] = {SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,  SIGTRAP,
                               SIGSYS,  SIGABRT, SIGPIPE, SIGXFSZ, SIGXCPU};

/// Those that a terminal sends, to the whole group.
constexpr int terminal_signals[] = {SIGINT,  SIGQUIT, SIGTSTP, SIGTTIN,
                                    SIGTTOU, SIGHUP,  SIGCONT, SIGWINCH};

std::uint64_t now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

std::vector<char*> pointers_to(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (const std::string& each : strings) pointers.push_back(const_cast<char*>(each.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

/// A pipe that closes itself when the program is executed: end of file means success.
std::array<unique_fd, 2> make_error_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    throw failure(exit_cannot_serve, fmt::format("cannot make a pipe: {}", std::strerror(errno)));
  return {unique_fd(ends[0]), unique_fd(ends[1])};
}

/// SIGKILL cannot be passed on, so the kernel is asked to: whoever kills the tool means the
/// program.
void die_with(pid_t tool) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != tool) ::raise(SIGKILL);  // it was killed before
}

/// The part of the new process before `execve`. Another thread of the tool does not exist, so any
/// function may be called here.
[[noreturn]] void become(const launch_plan& plan, const signal_block& signals, pid_t tool,
                         int errors) {
  die_with(tool);
  const std::filesystem::path record = plan.record_folder / snapshot_file_name(::getpid());
  // If this fails, the program runs without a report, and the tool says that there is none.
  unique_fd(::open(record.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600)).close();
  const std::vector<char*> arguments = pointers_to(plan.arguments);
  const std::vector<char*> variables = pointers_to(plan.variables);
  signals.restore();
  ::execve(plan.file.c_str(), arguments.data(), variables.data());
  const int error = errno;
  const ssize_t written = ::write(errors, &error, sizeof error);
  ::_exit(written == sizeof error ? exit_not_executable : exit_cannot_serve);
}

/// A stop that the shell must see: the tool stops as its program did.
void stop_like(int signal, const signal_block& signals) {
  sigset_t only;
  ::sigemptyset(&only);
  ::sigaddset(&only, signal);
  ::raise(signal);                             // pending, since blocked
  ::sigprocmask(SIG_UNBLOCK, &only, nullptr);  // stops here; goes on with SIGCONT
  ::sigprocmask(SIG_BLOCK, &signals.blocked(), nullptr);
}

/// Deals with a change of the program's state. Returns true when it has ended.
bool take_state(pid_t pid, process_end& end, const signal_block& signals) {
  int status = 0;
  while (::waitpid(pid, &status, WNOHANG | WUNTRACED) == pid) {
    if (WIFSTOPPED(status)) {
      // SIGSTOP comes from a debugger or a supervisor, who deals with the program alone.
      if (WSTOPSIG(status) == SIGSTOP) continue;
      stop_like(WSTOPSIG(status), signals);
      ::kill(pid, SIGCONT);
      continue;
    }
    end.ended_ns = now_ns();
    end.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    end.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    return true;
  }
  return false;
}

/// Tells whether the program has the signal already: from the terminal, or since it is the sender.
/// What else the kernel sends is the tool's alone, such as that of an alarm which was set before
/// the tool was executed: those survive execve, and are not inherited by the program.
bool has_it_already(pid_t pid, const siginfo_t& info) {
  if (info.si_code <= 0) return info.si_pid == pid;
  return std::find(std::begin(terminal_signals), std::end(terminal_signals), info.si_signo) !=
         std::end(terminal_signals);
}

void pass_on(pid_t pid, const siginfo_t& info) {
  if (info.si_code == SI_QUEUE)
    ::sigqueue(pid, info.si_signo, info.si_value);
  else
    ::kill(pid, info.si_signo);
}

void set_action(int signal, void (*handler)(int), struct sigaction& before) {
  struct sigaction action {};
  action.sa_handler = handler;
  ::sigaction(signal, &action, &before);
}

}  // namespace

signal_block::signal_block() {
  ::sigfillset(&blocked_);
  for (const int signal : own_signals) ::sigdelset(&blocked_, signal);
  ::sigprocmask(SIG_BLOCK, &blocked_, &before_);
  // Whoever started the tool may ignore SIGCHLD, and then nobody could wait for the program.
  set_action(SIGCHLD, SIG_DFL, child_before_);
  set_action(SIGPIPE, SIG_IGN, pipe_before_);
  set_action(SIGXFSZ, SIG_IGN, file_size_before_);
}

signal_block::~signal_block() { restore(); }

void signal_block::restore() const {
  ::sigaction(SIGCHLD, &child_before_, nullptr);
  ::sigaction(SIGPIPE, &pipe_before_, nullptr);
  ::sigaction(SIGXFSZ, &file_size_before_, nullptr);
  ::sigprocmask(SIG_SETMASK, &before_, nullptr);
}

void signal_block::unblock() const {
  const timespec at_once{};
  while (::sigtimedwait(&blocked_, nullptr, &at_once) > 0) {
  }
  ::sigprocmask(SIG_SETMASK, &before_, nullptr);
}

pid_t start(const launch_plan& plan, const signal_block& signals) {
  std::array<unique_fd, 2> errors = make_error_pipe();
  const pid_t tool = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0)
    throw failure(exit_cannot_serve,
                  fmt::format("cannot start a process: {}", std::strerror(errno)));
  if (pid == 0) become(plan, signals, tool, errors[1].get());

  errors[1].close();
  int error = 0;
  ssize_t got = 0;
  while ((got = ::read(errors[0].get(), &error, sizeof error)) < 0 && errno == EINTR) {
  }
  if (got <= 0) return pid;
  ::waitpid(pid, nullptr, 0);
  throw failure(
      error == ENOENT ? exit_not_found : exit_not_executable,
      fmt::format("cannot run '{}': {}", printable(plan.arguments.front()), std::strerror(error)));
}

process_end wait_for_end(pid_t pid, const signal_block& signals) {
  process_end end;
  while (!take_state(pid, end, signals)) {
    siginfo_t info{};
    const int signal = ::sigwaitinfo(&signals.blocked(), &info);
    if (signal > 0 && signal != SIGCHLD && !has_it_already(pid, info)) pass_on(pid, info);
  }
  return end;
}

void end_like(const process_end& end) {
  if (end.signal == 0) std::_Exit(end.exit_code);
  // The program has left a core already, if it may; one of the tool would only bury it.
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::prctl(PR_SET_DUMPABLE, 0);
  ::signal(end.signal, SIG_DFL);
  sigset_t only;
  ::sigemptyset(&only);
  ::sigaddset(&only, end.signal);
  ::sigprocmask(SIG_UNBLOCK, &only, nullptr);
  ::raise(end.signal);
  std::_Exit(128 + end.signal);
}

}  // namespace ashlar::tool
