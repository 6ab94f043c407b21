// SPDX-License-Identifier: MIT
// What the doctor says: a fact, how good it is, and what to do about it.
#pragma once

#include <string>
#include <vector>

namespace ashlar::tool {

enum class verdict {
  good,
  limited,  // something cannot be seen, or only partly
  refused,  // ashlar cannot serve this program at all
  note,     // neither good nor bad
};

struct finding {
  verdict is = verdict::note;
  std::string name;    // what was looked at, for programs to read: "frame_pointers"
  std::string fact;    // one sentence, without its full stop
  std::string advice;  // what to do; empty: nothing
};

struct section_of_findings {
  std::string title;
  std::vector<finding> findings;
};

struct diagnosis {
  std::string subject;  // as it was named; empty: the machine alone
  std::vector<section_of_findings> sections;

  bool refused() const {
    for (const section_of_findings& section : sections)
      for (const finding& each : section.findings)
        if (each.is == verdict::refused) return true;
    return false;
  }
};

}  // namespace ashlar::tool
