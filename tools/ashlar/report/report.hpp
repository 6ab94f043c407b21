// SPDX-License-Identifier: MIT
// What a report is about, and how it shall look: the input that all its writers share.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ashlar/observe/snapshot.hpp"
#include "tools/ashlar/report/draw.hpp"
#include "tools/ashlar/report/units.hpp"
#include "tools/ashlar/tracking/tracking.hpp"

namespace ashlar::tool {

struct growth_findings;

/// How a process ended, as its parent saw it.
struct process_end {
  int exit_code = 0;           // meaningful without a signal
  int signal = 0;              // 0: it exited
  std::uint64_t ended_ns = 0;  // CLOCK_MONOTONIC
};

/// One process: its last record, and its end if it was ours to wait for.
struct process_report {
  std::shared_ptr<const observe::snapshot> record;
  bool torn = false;
  bool still_running = false;
  std::optional<process_end> end;
  std::shared_ptr<const tracking> tracked;  // empty if it was not tracked, or left no capture
  std::string untracked;                    // why there is none, where one was asked for
  std::vector<std::shared_ptr<const capture>> meanwhile;  // that it left while it ran, in order
  std::shared_ptr<const growth_findings> grown;           // what these say together
};

/// One run: the process that was started, and its children if they were followed.
struct run_report {
  std::vector<std::string> command;
  pid_t pid = 0;
  process_end end;
  std::optional<process_report> main;  // empty if it left no record
  std::vector<process_report> children;
  bool children_followed = false;
};

struct report_format {
  std::size_t width = 80;
  unit_system units = unit_system::iec;
  bool ascii = false;
  bool color = false;
  bool each = false;        // children in full, too
  std::size_t classes = 0;  // rows of the table of size classes; 0: those that hold 99 %

  std::size_t top = 5;     // sites in each list of them
  bool all_leaks = false;  // each leak, with its whole stack
  bool growing = false;    // captures were to be taken while the program ran

  const glyph_set& glyphs() const { return ascii ? ascii_glyphs() : unicode_glyphs(); }
};

/// Returns "SIGSEGV" for 11.
std::string signal_name(int signal);

/// Returns the file name in `record.program`, safe to print.
std::string program_name(const observe::snapshot& record);

/// Returns how long the process ran: to its end where that is known, else to its last record.
std::uint64_t run_time_ns(const process_report& process);

}  // namespace ashlar::tool
