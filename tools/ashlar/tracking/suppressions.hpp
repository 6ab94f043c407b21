// SPDX-License-Identifier: MIT
// Leaks that nobody wants to hear of, in the syntax of LeakSanitizer.
//
// A line is "leak:PATTERN"; empty lines and those that begin with '#' are passed over, and so are
// lines for other sanitizers ("race:..."). A leak is suppressed if the pattern fits the function,
// the source file or the module of any frame of its stack. A pattern fits anywhere in a text; '*'
// stands for any text, '^' at its beginning and '$' at its end hold it to those of the text.
// Threads: thread-compatible.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tools/ashlar/capture/symbolizer.hpp"

namespace ashlar::tool {

class suppressions {
 public:
  /// Adds the lines of `text`. Errors: throws `failure` with 2; `name` says where the text is from.
  void add(std::string_view text, const std::string& name);
  /// Errors: throws `failure` with 2 if the file cannot be read, or holds what is no suppression.
  void add_file(const std::string& file);
  /// Adds what a program brings along (`__lsan_default_suppressions`). Errors: one line on stderr
  /// for the first line that is no suppression, which ends the list: the program has run already.
  void add_own(std::string_view text, const std::string& program);
  /// Adds the files that the value of LSAN_OPTIONS names.
  void add_from_options(std::string_view options);

  bool empty() const { return patterns_.empty(); }

  /// Returns the pattern that suppresses a leak with this stack; null if none does.
  const std::string* find(const stack& frames) const;

 private:
  std::vector<std::string> patterns_;
};

bool pattern_fits(std::string_view pattern, std::string_view text);

}  // namespace ashlar::tool
