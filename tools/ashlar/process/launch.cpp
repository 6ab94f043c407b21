// SPDX-License-Identifier: MIT
#include "tools/ashlar/process/launch.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

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

/// Signals that end or inform a program, and those of job control.
constexpr int handled_signals[] = {SIGCHLD, SIGINT,  SIGQUIT, SIGTERM, SIGHUP, SIGUSR1,
                                   SIGUSR2, SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT};

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

/// The part of the new process before `execve`. Another thread of the tool does not exist, so any
/// function may be called here.
[[noreturn]] void become(const launch_plan& plan, const signal_block& signals, int errors) {
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

/// Tells whether a process sent the signal. What the terminal sends goes to the whole group, so the
/// program has it already.
bool sent_by_process(const siginfo_t& info) { return info.si_code <= 0; }

}  // namespace

signal_block::signal_block() {
  ::sigemptyset(&blocked_);
  for (const int signal : handled_signals) ::sigaddset(&blocked_, signal);
  ::sigprocmask(SIG_BLOCK, &blocked_, &before_);
  // Whoever started the tool may ignore SIGCHLD, and then nobody could wait for the program.
  struct sigaction by_default {};
  by_default.sa_handler = SIG_DFL;
  ::sigaction(SIGCHLD, &by_default, &child_before_);
  struct sigaction ignored {};
  ignored.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &ignored, &pipe_before_);
}

signal_block::~signal_block() { restore(); }

void signal_block::restore() const {
  ::sigaction(SIGCHLD, &child_before_, nullptr);
  ::sigaction(SIGPIPE, &pipe_before_, nullptr);
  ::sigprocmask(SIG_SETMASK, &before_, nullptr);
}

pid_t start(const launch_plan& plan, const signal_block& signals) {
  std::array<unique_fd, 2> errors = make_error_pipe();
  const pid_t pid = ::fork();
  if (pid < 0)
    throw failure(exit_cannot_serve,
                  fmt::format("cannot start a process: {}", std::strerror(errno)));
  if (pid == 0) become(plan, signals, errors[1].get());

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
    if (signal > 0 && signal != SIGCHLD && sent_by_process(info) && info.si_pid != pid)
      ::kill(pid, signal);
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
