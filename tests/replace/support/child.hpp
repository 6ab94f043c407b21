// SPDX-License-Identifier: MIT
// Runs a part of a test in a child, and reads what it says.
#pragma once

#include <sys/wait.h>

#include "replace/support/check.hpp"

/// Runs `child` in a child whose stderr is read. Returns its status.
template <class Child>
int run(Child child, char* text, size_t capacity) {
  int ends[2];
  expect(pipe(ends) == 0, "a pipe");
  const pid_t pid = fork();
  if (pid == 0) {
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    child();
    _exit(0);
  }
  close(ends[1]);
  size_t size = 0;
  ssize_t got;
  while (size + 1 < capacity && (got = read(ends[0], text + size, capacity - 1 - size)) > 0)
    size += static_cast<size_t>(got);
  text[size] = 0;
  close(ends[0]);
  int status = 0;
  expect(waitpid(pid, &status, 0) == pid, "the child ends");
  return status;
}

/// How often `words` are in `text`.
inline int count_of(const char* words, const char* text) {
  int count = 0;
  for (; (text = strstr(text, words)) != nullptr; ++text) ++count;
  return count;
}
