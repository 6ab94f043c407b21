// SPDX-License-Identifier: MIT
// The log of the debug level: a line of text for all that happens to a guarded block.
//
//     # ashlar log 1, process 4711
//     site 7
//         #0 0x55d0c0de1189 /usr/bin/program+0x1189
//     0.012 1 allocated 24 0x7f81c2a04010 site 7
//     0.013 1 freed 24 0x7f81c2a04010 site 8
//     1.870 2 released 24 0x7f81c2a04010
//
// Seconds since the program began, the thread's number, the event, bytes as asked for, address, and
// the stack, which is written out, for addr2line, where its number comes first. `refused` has no
// address; `released` is when the quarantine lets go of a block; `faulted` names the fault.
//
// It is written through a mapping of the file, so that whatever ends the program, the last line is
// the last thing that happened: an end that cannot be seen leaves zero bytes behind it.
// A child of fork begins a log of its own, and so does a program after exec.
// Threads: thread-safe; one line at a time. Cost: about a microsecond a line (the
// program of tests/replace/debug/logged.cpp writes as many as it is told to), and a pass over the
// mappings for each new stack.
#pragma once

#include <cstddef>

#include "ashlar/hardening/fault.hpp"
#include "ashlar/observe/block_record.hpp"

namespace ashlar::replace {

enum class logged : unsigned char { allocated, refused, freed, released, faulted };

/// What a line says.
struct log_entry {
  logged what = logged::allocated;
  std::size_t size = 0;
  std::size_t alignment = 0;  // 0: not known
  const void* data = nullptr;
  observe::site_id site = observe::site_table::none;
  const char* words = nullptr;  // at the end of the line
};

/// Begins `PID.log`, or `PID.2.log` and so on, in a folder; `most_bytes`: where it ends. Children
/// have logs of their own if `follow`.
void begin_log(const char* folder, std::size_t most_bytes, bool follow) noexcept;
/// Writes a line, where there is a log. One that comes from a handler of a signal, which
/// interrupted its thread amid another line, is left out.
void log_event(const log_entry& entry) noexcept;
/// Ends it: the file is as long as what was written.
void end_log() noexcept;

}  // namespace ashlar::replace
