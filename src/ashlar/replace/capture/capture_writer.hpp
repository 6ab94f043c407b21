// SPDX-License-Identifier: MIT
// Writes what the tracker knows to a file (observe/capture.hpp), for the tool.
//
// Uses system calls and memory of its own only, so it works when the heap is full, when the program
// ends, and in the copy of a process that a signal handler makes (self_copy.hpp).
// Threads: thread-safe; the figures of other threads are read as they run.
#pragma once

#include <sys/types.h>

#include "ashlar/observe/capture.hpp"
#include "ashlar/structure/lock.hpp"

namespace ashlar::replace {

struct capture_plan {
  int file = -1;  ///< Open for writing, empty; closed at the end in any case.
  observe::capture_reason reason = observe::capture_reason::request;
  std::uint32_t number = 0;
  std::uint32_t signal = 0;
  bool look_at_blocks = true;  ///< Without: counts alone, and no lock of a heap is taken.
  bool find_leaks = true;      ///< At the levels that can.
  pid_t pid = 0;               ///< Of the process that it is about.
  /// Where the stack ends that a signal interrupted; null: nothing did.
  const void* interrupted = nullptr;
};

/// Writes a capture. Errors: false; the file is no whole capture then.
bool write_capture(const capture_plan& plan) noexcept;

/// One capture is written at a time, under this. For forks: a child must not find it held.
lock& capture_mutex() noexcept;

/// Opens a new file for it, for this user alone. Errors: below zero, and `errno`; EEXIST with
/// `must_be_new` if there is one.
int open_capture(const char* path, bool must_be_new) noexcept;

}  // namespace ashlar::replace
