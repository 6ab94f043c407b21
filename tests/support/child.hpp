// SPDX-License-Identifier: MIT
// Runs part of a test in a process of its own: for what changes a process for good.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>

namespace ashlar::test {

/// Runs `body` in a forked child and returns how it ended, as waitpid tells. Failed expectations
/// in the child give exit status 1. A child that hangs is killed by SIGALRM.
inline int run_in_child(const std::function<void()>& body, unsigned timeout_s = 60) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(timeout_s);
    body();
    ::_exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  int status = -1;
  if (child < 0 || ::waitpid(child, &status, 0) != child) return -1;
  return status;
}

inline bool ended_well(int status) { return WIFEXITED(status) && WEXITSTATUS(status) == 0; }

inline bool was_aborted(int status) {
  // A sanitizer's runtime turns SIGABRT into an exit of its own.
  return (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT) ||
         (WIFEXITED(status) && WEXITSTATUS(status) > 1);
}

}  // namespace ashlar::test
