// SPDX-License-Identifier: MIT
// When this process leaves captures, and where: FOLDER/PID.capture when it ends or crashes,
// FOLDER/PID.1.capture, PID.2.capture and so on meanwhile. FOLDER is the option `capture`.
//
// With `follow=0` children leave none: a forked one is known by its number, and one that was
// executed anew by the record that the tool has made for the process that it started.
// Threads: thread-safe.
#pragma once

#include <cstdint>

#include "ashlar/observe/capture.hpp"

namespace ashlar::replace {

/// Lets the process leave captures as the options say. Requires: tracking has begun.
void begin_captures() noexcept;
/// Gives the memory for that back; nothing is captured any more.
void end_captures() noexcept;

/// Writes the capture of the end, if it was asked for. May be called where the program ends at
/// once.
void capture_at_end() noexcept;

/// Writes a capture to `path`; null: as the next one of the folder. Errors: false, after one line
/// on stderr; without one if there is no folder or nothing was ever tracked.
bool capture_now(const char* path) noexcept;

/// Writes a capture if it is time, and readies the calling thread for signals. On slow paths, under
/// no lock of ours. errno stays as it was.
void serve_captures() noexcept;

/// Writes a capture from a signal handler, by way of a copy of this process. `interrupted`: the
/// stack pointer at the signal. Signal-safe. Nothing if another one is being written so.
void capture_from_handler(observe::capture_reason reason, int signal,
                          const void* interrupted) noexcept;

}  // namespace ashlar::replace
