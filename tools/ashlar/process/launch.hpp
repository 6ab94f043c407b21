// SPDX-License-Identifier: MIT
// Starts a program and waits for it as if the tool were not there.
//
// The program stays in the process group of the tool and so in the foreground of the same terminal.
// What the terminal sends (Ctrl-C, Ctrl-\, Ctrl-Z) reaches it directly, and the tool takes no part;
// what others send to the tool alone is passed on. When job control stops the program, the tool
// stops too, so that the shell notices, and both go on together.
//
// All these signals are blocked in the tool and taken by sigwaitinfo, one after the other: there is
// no handler, so no race. They stay blocked until the object goes, after the report is written and
// the folder removed; a signal that asks the tool to end is obeyed then.
// Threads: thread-confined; one object at a time.
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
/// A closed pipe is an error of `write` meanwhile, and no reason to leave the folder behind.
class signal_block {
 public:
  signal_block();
  signal_block(const signal_block&) = delete;
  signal_block& operator=(const signal_block&) = delete;
  ~signal_block();

  const sigset_t& blocked() const { return blocked_; }

  /// Puts everything back as the tool found it: for the program, before it is executed.
  void restore() const;

 private:
  sigset_t blocked_;
  sigset_t before_;
  struct sigaction child_before_;
  struct sigaction pipe_before_;
};

/// Starts the program. Returns its process id.
/// Errors: throws `failure` with 126 or 127 if it cannot be executed, 125 if it cannot be forked.
pid_t start(const launch_plan& plan, const signal_block& signals);

/// Waits until `pid` has ended, passing signals on to it.
process_end wait_for_end(pid_t pid, const signal_block& signals);

/// Ends this process as `end` says that another has ended: with its exit code, or by its signal.
[[noreturn]] void end_like(const process_end& end);

}  // namespace ashlar::tool
