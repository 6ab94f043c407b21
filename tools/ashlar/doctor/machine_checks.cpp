// SPDX-License-Identifier: MIT
// What depends on the machine, and on a process that runs already.
#include <dlfcn.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "ashlar/os/unwind_tables.hpp"
#include "tools/ashlar/capture/memory_maps.hpp"
#include "tools/ashlar/doctor/checks.hpp"
#include "tools/ashlar/failure.hpp"
#include "tools/ashlar/process/library_path.hpp"
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
  section.findings.push_back({tracked ? verdict::good : verdict::limited, "options",
                              options.empty() ? "it was started without ASHLAR_OPTIONS"
                                              : "it was started with " + printable(options),
                              tracked ? "" : "start it with --track=full to see its sites"});
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
