// SPDX-License-Identifier: MIT
#include "tools/ashlar/report/report.hpp"

#include <csignal>
#include <cstring>

namespace ashlar::tool {

std::string signal_name(int signal) {
  if (const char* name = ::sigabbrev_np(signal)) return std::string("SIG") + name;
  return "signal " + std::to_string(signal);
}

std::string program_name(const observe::snapshot& record) {
  const std::string name =
      printable({record.program, ::strnlen(record.program, sizeof record.program)});
  return name.empty() ? "?" : name;
}

std::uint64_t run_time_ns(const process_report& process) {
  const observe::snapshot& record = *process.record;
  const std::uint64_t last = process.end && process.end->ended_ns > record.taken_ns
                                 ? process.end->ended_ns
                                 : record.taken_ns;
  return last > record.start_ns ? last - record.start_ns : 0;
}

}  // namespace ashlar::tool
