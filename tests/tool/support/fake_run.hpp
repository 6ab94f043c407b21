// SPDX-License-Identifier: MIT
// Whole runs made of fake snapshots, for the tests and the gallery.
#pragma once

#include <memory>

#include "tests/tool/support/fake_snapshot.hpp"
#include "tools/ashlar/report/report.hpp"

namespace ashlar::tool::test {

inline process_report report_of(const observe::snapshot& record) {
  process_report report;
  report.record = std::make_shared<observe::snapshot>(record);
  return report;
}

inline run_report run_of(const observe::snapshot& record, const process_end& end = {}) {
  run_report run;
  run.command = {record.program, "--option", "argument"};
  run.pid = static_cast<pid_t>(record.pid);
  run.end = end;
  run.main = report_of(record);
  run.main->end = end;
  return run;
}

/// A game that ended with exit code 3, and two children: one ended, one still running.
inline run_report run_with_children() {
  process_end end;
  end.exit_code = 3;
  run_report run = run_of(fragmented_snapshot(), end);
  run.children_followed = true;
  run.children = {report_of(small_snapshot(48'214, "cc1plus")),
                  report_of(small_snapshot(48'220, "as"))};
  run.children[1].still_running = true;
  return run;
}

/// A program that was killed before it allocated anything.
inline run_report killed_run() {
  observe::snapshot record = bare_snapshot(77, "sleep");
  record.state = observe::process_state::running;
  record.resident = record.peak_resident = record.file = 900 * kib;
  process_end end;
  end.signal = 9;
  end.ended_ns = record.taken_ns + 120'000'000;
  return run_of(record, end);
}

}  // namespace ashlar::tool::test
