// SPDX-License-Identifier: MIT
#include "tools/ashlar/doctor/checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>

#include "tools/ashlar/capture/memory_maps.hpp"
#include "tools/ashlar/failure.hpp"
#include "tools/ashlar/process/program_check.hpp"
#include "tools/ashlar/report/text.hpp"

namespace ashlar::tool {

namespace {

bool any_starts_with(const std::vector<std::string>& paths, std::string_view beginning) {
  return std::any_of(paths.begin(), paths.end(), [&](const std::string& each) {
    return file_name(each).starts_with(beginning);
  });
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

finding check_libc(const elf_facts& facts) {
  if (facts.interpreter.find("ld-musl") != std::string::npos)
    return {verdict::refused, "libc", "it runs on musl, and libashlar-malloc.so is built for glibc",
            "build it for glibc, or link it with ashlar::malloc there"};
  return {verdict::good, "libc", fmt::format("it runs on glibc ({})", printable(facts.interpreter)),
          ""};
}

finding check_own_allocation(const elf_facts& facts) {
  if (facts.own_allocation.empty())
    return {verdict::good, "own_malloc", "it exports no malloc of its own, so the preload counts",
            ""};
  return {verdict::limited, "own_malloc",
          fmt::format("it exports {} of its own, as Chromium does: calls stay in the program, and "
                      "ashlar sees only what is left over",
                      joined(facts.own_allocation)),
          "build it without its allocator"};
}

finding check_other_allocators(const std::vector<std::string>& libraries) {
  for (const char* name : {"libjemalloc", "libtcmalloc", "libmimalloc", "libsnmalloc", "libscudo"})
    if (any_starts_with(libraries, name))
      return {verdict::note, "other_allocator",
              fmt::format("it is linked with {}: the preload goes before it", name), ""};
  return {verdict::good, "other_allocator", "no other malloc is linked to it", ""};
}

finding check_suppressions(const elf_facts& facts) {
  if (facts.has_suppressions)
    return {verdict::good, "suppressions",
            "it brings suppressions of leaks along (__lsan_default_suppressions), which count", ""};
  return {verdict::note, "suppressions",
          facts.has_symbols ? "it brings no suppressions of leaks along"
                            : "it is stripped: suppressions that it may bring along are not found",
          ""};
}

void check_languages(const std::filesystem::path& program, const elf_facts& facts,
                     const std::vector<std::string>& libraries, section_of_findings& into) {
  if (facts.is_go)
    into.findings.push_back({verdict::limited, "runtime",
                             "it is a Go program: its heap is mapped by its own runtime, and only "
                             "what C code allocates is seen",
                             "use Go's pprof for the rest"});
  const std::string name(file_name(program.string()));
  if (name.starts_with("python") || any_starts_with(libraries, "libpython"))
    into.findings.push_back({verdict::limited, "runtime",
                             "Python keeps small objects in arenas of its own: one site holds them",
                             "set PYTHONMALLOC=malloc to see each"});
  if (any_starts_with(libraries, "libjvm") || name == "java")
    into.findings.push_back({verdict::limited, "runtime",
                             "Java's heap is mapped by its virtual machine and is not seen", ""});
}

std::string share(std::size_t part, std::size_t whole) {
  return fmt::format("{:.0f} % of {} functions",
                     100.0 * static_cast<double>(part) / static_cast<double>(whole), whole);
}

// That it has some is known where functions were looked at: by them.
bool reads_unwind_tables(const elf_facts& facts) { return facts.machine == "x86-64"; }

finding check_frame_pointers(const elf_facts& facts) {
  if (facts.functions_sampled == 0)
    return {verdict::note, "frame_pointers",
            "it has no unwind tables, and whether it keeps frame pointers cannot be told", ""};
  const std::string sample = share(facts.with_frame_pointer, facts.functions_sampled);
  if (facts.keeps_frame_pointers())
    return {verdict::good, "frame_pointers",
            fmt::format("it keeps frame pointers ({} looked at): stacks are whole", sample), ""};
  if (reads_unwind_tables(facts))
    return {verdict::good, "frame_pointers",
            fmt::format("it keeps no frame pointers ({} looked at do), but has unwind tables: "
                        "stacks are whole",
                        sample),
            ""};
  return {verdict::limited, "frame_pointers",
          fmt::format("it keeps no frame pointers ({} looked at do), and tables of its processor "
                      "are not read: stacks end early",
                      sample),
          "build with -fno-omit-frame-pointer"};
}

finding check_library_frames(const std::vector<std::string>& libraries) {
  std::vector<std::string> without;
  for (const std::string& each : libraries) {
    const elf_facts facts = facts_of(each);
    if (facts.functions_sampled > 0 && !facts.keeps_frame_pointers() && !reads_unwind_tables(facts))
      without.emplace_back(file_name(each));
  }
  if (libraries.empty())
    return {verdict::note, "library_frame_pointers", "it has no libraries that could be found", ""};
  if (without.empty())
    return {
        verdict::good, "library_frame_pointers",
        fmt::format("its {} libraries have unwind tables or keep frame pointers", libraries.size()),
        ""};
  const std::string first =
      without.size() > 3 ? fmt::format("{}, {}, {} and others", without[0], without[1], without[2])
                         : joined(without);
  return {verdict::limited, "library_frame_pointers",
          fmt::format("{} of its {} libraries keep no frame pointers ({}): stacks end at them",
                      without.size(), libraries.size(), printable(first)),
          ""};
}

finding check_debug_information(const elf_facts& facts) {
  if (!facts.debug_file.empty())
    return {verdict::good, "debug_information",
            fmt::format("lines are known from {}", printable(facts.debug_file)), ""};
  const std::string names = facts.has_symbols
                                ? "functions have names, but no lines"
                                : "it is stripped: only exported functions have names";
  return {verdict::limited, "debug_information", names,
          facts.build_id.empty() ? "build with -g"
                                 : "build with -g, install its -dbgsym package, or set "
                                   "DEBUGINFOD_URLS"};
}

finding check_build_id(const elf_facts& facts) {
  if (facts.build_id.empty())
    return {verdict::limited, "build_id",
            "it has no build-id: separate debug information cannot be found for it",
            "link with -Wl,--build-id"};
  return {verdict::good, "build_id", "its build-id is " + facts.build_id, ""};
}

}  // namespace

section_of_findings check_service(const std::filesystem::path& program, const std::string& name,
                                  const elf_facts& facts) {
  section_of_findings section{"PROGRAM", {}};
  try {
    check_preloadable(program, name);
  } catch (const failure& refusal) {
    const std::string text = refusal.what();
    const std::size_t reason = text.find("': ");
    section.findings.push_back({verdict::refused, "preload",
                                reason == std::string::npos ? text : text.substr(reason + 3), ""});
  }
  if (!facts.is_elf) {
    section.findings.push_back({verdict::note, "file",
                                "it is a script: what is said below is said of its interpreter, "
                                "and of what that starts nothing",
                                ""});
    return section;
  }
  section.findings.push_back(
      {verdict::note, "file", fmt::format("{}-bit, {}", facts.bits, facts.machine), ""});
  if (!section.findings.empty() && section.findings.front().is == verdict::refused) return section;
  section.findings.push_back(
      {verdict::good, "preload", "it is linked dynamically, and takes on no other identity", ""});
  section.findings.push_back(check_libc(facts));
  return section;
}

section_of_findings check_memory(const std::filesystem::path& program, const elf_facts& facts,
                                 const std::vector<std::string>& libraries) {
  section_of_findings section{"MEMORY", {check_own_allocation(facts)}};
  section.findings.push_back(check_other_allocators(libraries));
  std::string sanitizer = facts.sanitizer;
  for (const auto& [library, runtime] : {std::pair{"libasan", "AddressSanitizer"},
                                         {"libtsan", "ThreadSanitizer"},
                                         {"liblsan", "LeakSanitizer"},
                                         {"libclang_rt", "a sanitizer"}})
    if (any_starts_with(libraries, library)) sanitizer = runtime;
  if (sanitizer.empty())
    section.findings.push_back({verdict::good, "sanitizer", "no sanitizer is built into it", ""});
  else
    section.findings.push_back(
        {verdict::refused, "sanitizer",
         fmt::format("{} is built into it, and brings its own malloc", sanitizer),
         "build it without -fsanitize"});
  section.findings.push_back(check_suppressions(facts));
  check_languages(program, facts, libraries, section);
  return section;
}

section_of_findings check_stacks(const std::filesystem::path&, const elf_facts& facts,
                                 const std::vector<std::string>& libraries) {
  return {"STACKS",
          {check_frame_pointers(facts), check_library_frames(libraries),
           check_debug_information(facts), check_build_id(facts)}};
}

std::vector<std::string> libraries_of(const std::filesystem::path& program,
                                      const elf_facts& facts) {
  std::vector<std::string> found;
  if (facts.interpreter.empty()) return found;
  // The dynamic linker lists what it would load, and runs nothing.
  std::string quoted;
  for (const char letter : program.string())
    quoted += letter == '\'' ? "'\\''" : std::string(1, letter);
  const std::string command =
      fmt::format("'{}' --list '{}' 2>/dev/null", facts.interpreter, quoted);
  if (facts.interpreter.find('\'') != std::string::npos) return found;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(::popen(command.c_str(), "r"),
                                                             &::pclose);
  if (pipe == nullptr) return found;
  char text[4096];
  while (std::fgets(text, sizeof text, pipe.get()) != nullptr) {
    const std::string line(text);
    const std::size_t arrow = line.find(" => /");
    if (arrow == std::string::npos) continue;
    found.push_back(line.substr(arrow + 4, line.rfind(" (") - arrow - 4));
  }
  return found;
}

std::vector<std::string> libraries_of(pid_t pid) {
  std::ifstream stream(fmt::format("/proc/{}/maps", pid));
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  std::vector<std::string> found;
  for (const std::string& file : memory_maps(text).code_files())
    if (file.find(".so") != std::string::npos) found.push_back(file);
  return found;
}

}  // namespace ashlar::tool
