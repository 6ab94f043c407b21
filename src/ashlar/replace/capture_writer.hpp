// SPDX-License-Identifier: MIT
// Writes what the tracker knows to a file (observe/capture.hpp), for the tool.
//
// Uses system calls and memory of its own only, so it works when the heap is full, and when the
// program ends. Threads: thread-safe; the figures of other threads are read as they run.
#pragma once

namespace ashlar::replace {

/// Writes a capture to `path`, replacing what is there. With `leaks`, scans for them first.
/// Errors: false, after one line on stderr.
bool write_capture(const char* path, bool leaks) noexcept;

/// Lets the process write FOLDER/PID.capture when it ends, after all else.
void capture_at_exit(const char* folder) noexcept;

/// Writes that file now, if it was asked for. May be called where the program ends at once.
void capture_now() noexcept;

}  // namespace ashlar::replace
