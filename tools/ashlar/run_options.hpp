// SPDX-License-Identifier: MIT
// The command line: what `ashlar` and its verbs accept, and their help.
//
// The program's own arguments begin at the first word that is no option of the tool, or behind
// "--". They are set apart before the options are parsed, so that nothing in them is looked at.
// Threads: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/ashlar/report/units.hpp"

namespace ashlar::tool {

struct run_options {
  std::vector<std::string> command;
  std::string library;    // empty: where it belongs
  std::string output;     // empty: stderr
  bool json = false;      // the report is JSON instead of text
  std::string json_file;  // not empty: JSON goes there, besides the text
  bool quiet = false;
  bool ascii = false;
  bool no_color = false;
  bool follow_children = false;
  bool each = false;
  unit_system units = unit_system::iec;
  std::size_t width = 0;    // 0: that of the terminal
  std::size_t classes = 0;  // 0: those that hold 99 %
  std::string track;        // the level, as in ASHLAR_OPTIONS; empty: not asked for
  std::string sample;       // bytes between samples, as in ASHLAR_OPTIONS; empty: not asked for
  std::optional<unsigned> depth;
  std::string capture_folder;  // empty: captures are not kept
  std::size_t top = 5;
  bool all_leaks = false;
  std::string leaks_every;       // as the option capture_every takes it; empty: only at the end
  std::uint64_t least_leak = 0;  // bytes
  std::vector<std::string> suppression_files;
};

/// What `ashlar leaks` is to do: look at captures, or run a program.
struct leaks_options {
  run_options run;  // with the program, or without
  std::vector<std::string> captures;
  bool reachable = false;
  bool growing = false;
  int exit_code = 23;  // as LeakSanitizer's
};

/// What `ashlar doctor` is to look at.
struct doctor_options {
  run_options report;
  std::string subject;  // a program or a process; empty: the machine alone
};

/// Either something to be done, or text to be printed and an exit code.
struct command_line {
  std::optional<run_options> run;
  std::optional<leaks_options> leaks;
  std::optional<doctor_options> doctor;
  int exit_code = 0;
  std::string output;  // for stdout: help and version
  std::string error;   // for stderr: what is wrong
};

/// Parses the words behind the name of the tool.
command_line parse_command_line(const std::vector<std::string>& words);

/// Parses the words behind a verb.
command_line parse_run(const std::vector<std::string>& words);
command_line parse_leaks(const std::vector<std::string>& words);
command_line parse_doctor(const std::vector<std::string>& words);

}  // namespace ashlar::tool
