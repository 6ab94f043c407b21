// SPDX-License-Identifier: MIT
// What the doctor looks at, one function for each section of its report.
//
// Threads: pure functions of the files and of /proc.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tools/ashlar/doctor/elf_facts.hpp"
#include "tools/ashlar/doctor/finding.hpp"

namespace ashlar::tool {

/// Can the program be served at all?
section_of_findings check_service(const std::filesystem::path& program, const std::string& name,
                                  const elf_facts& facts);

/// Who else has a hand in its memory?
section_of_findings check_memory(const std::filesystem::path& program, const elf_facts& facts,
                                 const std::vector<std::string>& libraries);

/// How good are its stacks, and what do they say? `libraries` are paths.
section_of_findings check_stacks(const std::filesystem::path& program, const elf_facts& facts,
                                 const std::vector<std::string>& libraries);

/// A process that runs already.
section_of_findings check_process(pid_t pid);

/// What does not depend on the program.
section_of_findings check_machine(const std::string& told_library);

/// Returns the libraries that the dynamic linker would load, without running the program.
std::vector<std::string> libraries_of(const std::filesystem::path& program, const elf_facts& facts);
/// Returns the libraries that a process has loaded.
std::vector<std::string> libraries_of(pid_t pid);

}  // namespace ashlar::tool
