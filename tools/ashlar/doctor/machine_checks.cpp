// SPDX-License-Identifier: MIT
// What depends on the machine, and on a process that runs already.
#include <dlfcn.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "ashlar/os/unwind_tables.hpp"
#include "tools/ashlar/capture/memory_maps.hpp"
#include "tools/ashlar/doctor/checks.hpp"
#include "tools/ashlar/failure.hpp"
#include "tools/ashlar/process/environment.hpp"
#include "tools/ashlar/process/library_path.hpp"
#include "tools/ashlar/report/report.hpp"
#include "tools/ashlar/report/text.hpp"

namespace ashlar::tool {

namespace {

std::string text_of(const std::string& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

finding check_library(const std::string& told) {
  try {
    return {verdict::good, "library", "the library is " + printable(find_library(told).string()),
            ""};
  } catch (const failure& missing) {
    return {verdict::refused, "library", missing.what(), ""};
  }
}

// What the library asks too: the processor that it reads unwind tables of, and a libc that finds
// them.
finding check_unwind_tables() {
  if (os::understands_unwind_tables && ::dlsym(RTLD_DEFAULT, "_dl_find_object") != nullptr)
    return {verdict::good, "unwind_tables",
            "unwind tables are read here: stacks go on through functions without frame pointers",
            ""};
  return {verdict::limited, "unwind_tables",
          os::understands_unwind_tables
              ? "this libc finds no unwind tables: stacks follow frame pointers only"
              : "unwind tables of this processor are not read: stacks follow frame pointers only",
          os::understands_unwind_tables ? "use glibc 2.35 or newer" : ""};
}

finding check_debuginfod() {
  const char* servers = std::getenv("DEBUGINFOD_URLS");
  if (servers == nullptr || *servers == 0)
    return {verdict::note, "debuginfod",
            "no debuginfod server is named, so missing debug information is not fetched",
            "export DEBUGINFOD_URLS=https://debuginfod.debian.net to have it fetched"};
  return {verdict::good, "debuginfod",
          fmt::format("missing debug information is fetched from {}", printable(servers)), ""};
}

finding check_ptrace() {
  const std::string scope = text_of("/proc/sys/kernel/yama/ptrace_scope");
  const std::string says = scope.empty() ? "not set" : scope.substr(0, scope.find_first_of("\r\n"));
  return {verdict::note, "ptrace_scope",
          fmt::format("ptrace scope is {}: it does not matter, since ashlar attaches to nothing",
                      printable(says)),
          ""};
}

finding check_proc() {
  if (::access("/proc/self/maps", R_OK) != 0)
    return {verdict::limited, "proc",
            "/proc is not mounted: addresses cannot be told apart by file, and leaks not be sought",
            "mount -t proc proc /proc"};
  return {verdict::good, "proc", "/proc can be read", ""};
}

/// The value of a variable in a block of "NAME=value", each ended by a zero.
std::string variable_in(const std::string& block, const std::string& name) {
  const std::string all = std::string(1, '\0') + block;
  const std::size_t at = all.find(std::string(1, '\0') + name + "=");
  if (at == std::string::npos) return "";
  const std::size_t begin = at + name.size() + 2;
  return all.substr(begin, all.find('\0', begin) - begin);
}

/// Tells whether the process has a handler for a signal.
bool handles(pid_t pid, int signal) {
  std::ifstream stream(fmt::format("/proc/{}/status", pid));
  for (std::string line; std::getline(stream, line);)
    if (line.starts_with("SigCgt:"))
      return (std::stoull(line.substr(7), nullptr, 16) >> (signal - 1) & 1) != 0;
  return false;
}

int signal_called(std::string name) {
  if (name.starts_with("SIG")) name.erase(0, 3);
  for (int number = 1; number < SIGRTMIN; ++number)
    if (signal_name(number) == "SIG" + name) return number;
  return name.find_first_not_of("0123456789") == std::string::npos ? std::atoi(name.c_str()) : 0;
}

finding check_capture_signal(pid_t pid, const std::string& name) {
  const int number = signal_called(name);
  if (number <= 0 || number > SIGRTMAX || !handles(pid, number))
    return {verdict::limited, "capture_signal",
            fmt::format("nothing handles {}: it would end the process", printable(name)), ""};
  return {verdict::good, "capture_signal",
          fmt::format("it leaves a capture at {}, unless it handles that itself",
                      printable(signal_name(number))),
          fmt::format("kill -{} {}", number, pid)};
}

/// What can be had of a process that is tracked: captures while it runs, and as it crashes.
template <class Option>
void add_capture_findings(pid_t pid, const Option& option, section_of_findings& into) {
  const std::string folder = option("capture");
  if (folder.empty()) {
    into.findings.push_back({verdict::limited, "captures",
                             "it leaves no captures: no folder was named for them",
                             "start it with ashlar run, or with capture=FOLDER"});
    return;
  }
  into.findings.push_back(
      {verdict::good, "captures", "it leaves captures in " + printable(folder), ""});
  if (const std::string name = option("capture_signal"); !name.empty())
    into.findings.push_back(check_capture_signal(pid, name));
  else
    into.findings.push_back({verdict::note, "capture_signal",
                             "it leaves a capture at its end, and at no signal",
                             "start it with capture_signal=USR1 to have one at any time"});
  if (option("capture_on_crash") == "1")
    into.findings.push_back(handles(pid, SIGSEGV)
                                ? finding{verdict::good, "capture_on_crash",
                                          "it leaves a capture when it crashes, unless it has put "
                                          "a handler of its own there",
                                          ""}
                                : finding{verdict::limited, "capture_on_crash",
                                          "it was asked for a capture when it crashes, and has put "
                                          "the standard handlers back",
                                          ""});
  if (option("capture_on_termination") != "1")
    into.findings.push_back({verdict::note, "capture_on_termination",
                             "it leaves no capture when Ctrl-C, SIGTERM or SIGHUP ends it",
                             "start it with ashlar run, or with capture_on_termination=1"});
}

}  // namespace

section_of_findings check_process(pid_t pid) {
  section_of_findings section{"PROCESS", {}};
  const std::string folder = fmt::format("/proc/{}/", pid);
  if (text_of(folder + "maps").empty()) {
    section.findings.push_back({verdict::limited, "maps",
                                "its memory map cannot be read: it is another user's",
                                "run the doctor as that user"});
    return section;
  }
  const std::vector<std::string> loaded = libraries_of(pid);
  const bool is_on = std::any_of(loaded.begin(), loaded.end(), [](const std::string& each) {
    return file_name(each).starts_with("libashlar-");
  });
  if (!is_on) {
    section.findings.push_back(
        {verdict::limited, "on_ashlar", "it does not run on ashlar",
         "start it anew with ashlar run; a running program cannot be moved"});
    return section;
  }
  section.findings.push_back({verdict::good, "on_ashlar", "it runs on ashlar", ""});
  const std::string options = variable_in(text_of(folder + "environ"), "ASHLAR_OPTIONS");
  const bool tracked = options.find("track=") != std::string::npos;
  const auto option = [&](const char* key) {
    return option_in({"ASHLAR_OPTIONS=" + options}, key);
  };
  section.findings.push_back({tracked ? verdict::good : verdict::limited, "options",
                              options.empty() ? "it was started without ASHLAR_OPTIONS"
                                              : "it was started with " + printable(options),
                              tracked ? "" : "start it with --track=full to see its sites"});
  if (tracked) add_capture_findings(pid, option, section);
  return section;
}

section_of_findings check_machine(const std::string& told_library) {
  return {"MACHINE",
          {check_library(told_library),
           check_unwind_tables(),
           check_debuginfod(),
           check_proc(),
           check_ptrace(),
           {verdict::note, "aslr",
            "random addresses do not matter: each capture holds its memory map", ""}}};
}

}  // namespace ashlar::tool
