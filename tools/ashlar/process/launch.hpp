// SPDX-License-Identifier: MIT
// Starts a program and waits for it as if the tool were not there.
//
// The program stays in the process group of the tool and so in the foreground of the same terminal.
// What the terminal sends (Ctrl-C, Ctrl-\, Ctrl-Z) reaches it directly, and the tool takes no part;
// what others send to the tool alone is passed on, and if that is SIGKILL the kernel does it. When
// job control stops the program, the tool stops too, so that the shell notices, and both go on
// together.
//
// All these signals are blocked in the tool and taken by sigwaitinfo, one after the other: there is
// no handler, so no race. They stay blocked until the folder is removed. While the report is
// written, to somebody who may not read it, a signal ends the tool as it ends any program. Threads:
// thread-confined; one object at a time.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tools/ashlar/report/report.hpp"

namespace ashlar::tool {

/// What to start, completely: nothing is looked up any more.
struct launch_plan {
  std::filesystem::path file;
  std::vector<std::string> arguments;  // with the name of the program first
  std::vector<std::string> variables;
  std::filesystem::path record_folder;  // an empty record is made there for the program
};

/// Blocks the signals that the tool deals with itself, and lets them through again at the end.
/// A closed pipe and a limit on the size of files are errors of `write` meanwhile, and no reason to
/// leave the folder behind or to end otherwise than the program has.
class signal_block {
 public:
  signal_block();
  signal_block(const signal_block&) = delete;
  signal_block& operator=(const signal_block&) = delete;
  ~signal_block();

  const sigset_t& blocked() const { return blocked_; }

  /// Lets signals through again. Those that came while the program ran were meant for it: what it
  /// did not live to see is dropped.
  void unblock() const;

  /// Puts everything back as the tool found it: for the program, before it is executed.
  void restore() const;

 private:
  sigset_t blocked_;
  sigset_t before_;
  struct sigaction child_before_;
  struct sigaction pipe_before_;
  struct sigaction file_size_before_;
};

/// Starts the program. Returns its process id.
/// Errors: throws `failure` with 126 or 127 if it cannot be executed, 125 if it cannot be forked.
pid_t start(const launch_plan& plan, const signal_block& signals);

/// Waits until `pid` has ended, passing signals on to it.
process_end wait_for_end(pid_t pid, const signal_block& signals);

/// Ends this process as `end` says that another has ended: with its exit code, or by its signal.
[[noreturn]] void end_like(const process_end& end);

}  // namespace ashlar::tool
