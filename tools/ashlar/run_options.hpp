// SPDX-License-Identifier: MIT
// The command line: what `ashlar` and `ashlar run` accept, and their help.
//
// The program's own arguments begin at the first word that is no option of the tool, or behind
// "--". They are set apart before the options are parsed, so that nothing in them is looked at.
// Threads: pure functions.
#pragma once

#include <cstddef>
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
};

/// Either a run to be done, or text to be printed and an exit code.
struct command_line {
  std::optional<run_options> run;
  int exit_code = 0;
  std::string output;  // for stdout: help and version
  std::string error;   // for stderr: what is wrong
};

/// Parses the words behind the name of the tool.
command_line parse_command_line(const std::vector<std::string>& words);

}  // namespace ashlar::tool
