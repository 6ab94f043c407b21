// SPDX-License-Identifier: MIT
// What a program may ask of the drop-in malloc while it tracks: a capture now, and marks in time.
// C11.
//
//     if (ashlar_write_capture) ashlar_write_capture("before-level-2.capture");
//     if (ashlar_mark_time) ashlar_mark_time("level loaded");
//
// Weak: the names are null in a program that runs without libashlar-malloc.
#pragma once

#if defined(__cplusplus)
extern "C" {
#endif

/// Writes what is tracked now to a file, for `ashlar leaks`; at the levels sampled, full and debug
/// with a scan for leaks. `path`: replaces what is there; null: the next PID.N.capture of the
/// folder that the option `capture` names. Returns 1; or 0 if it could not be written, after one
/// line on stderr, or without one if there is no folder or nothing was ever tracked. Threads:
/// thread-safe; others go on meanwhile, so a block whose only pointer another thread has in a
/// register or on the move may be called lost. Not in a signal handler. errno stays. Cost: reads
/// all tracked blocks, and for leaks all writable memory that is resident.
int ashlar_write_capture(const char* path) __attribute__((weak));

/// Remembers this moment under a name of at most 47 characters; captures say what was made between
/// marks. Nothing before tracking first began. Threads: thread-safe. Cost: a lock, and a look at
/// each thread.
void ashlar_mark_time(const char* name) __attribute__((weak));

/// The same for the beginning of a frame; the last 1024 are remembered.
void ashlar_next_frame(void) __attribute__((weak));

#if defined(__cplusplus)
}
#endif
