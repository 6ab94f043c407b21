// SPDX-License-Identifier: MIT
// What the tool throws when it cannot do what it was asked for, and its exit codes.
//
// 126 and 127 are what shells use, 125 is what wrappers such as `env` and `timeout` use for their
// own failures; so a script can tell them from the exit codes of the program.
#pragma once

#include <stdexcept>
#include <string>

namespace ashlar::tool {

inline constexpr int exit_usage = 2;
inline constexpr int exit_cannot_serve = 125;  // the tool, or the preload, cannot do it
inline constexpr int exit_not_executable = 126;
inline constexpr int exit_not_found = 127;

/// One line for the user, and the exit code that goes with it.
class failure : public std::runtime_error {
 public:
  failure(int exit_code, const std::string& text)
      : std::runtime_error(text), exit_code_(exit_code) {}
  int exit_code() const { return exit_code_; }

 private:
  int exit_code_;
};

}  // namespace ashlar::tool
