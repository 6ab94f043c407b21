// SPDX-License-Identifier: MIT
#include "tools/ashlar/help.hpp"

#include <fmt/format.h>

#include "tools/ashlar/version.hpp"

namespace ashlar::tool {

namespace {

/// Descriptions begin behind the longest option, so that the list reads as two columns.
constexpr std::size_t option_columns = 26;

constexpr const char* tool_text =
    R"(ashlar {}: runs programs on ashlar's memory and shows where it goes.

Usage: ashlar VERB [options]

Verbs:
  run         Run a program on libashlar-malloc and report at its end
  leaks       Show what a program has lost, still holds, or holds more and more of
  doctor      Say what can be seen in a program, what cannot, and why

Options:
  -h, --help  Print this; ashlar run --help for the options of a verb
  --version   Print the version

Examples:
  ashlar run -- python3 -c 'x = [i for i in range(10**6)]'
  ashlar run --track=full -- ./game
  ashlar leaks -- ./tests
)";

}  // namespace

const char* const run_description =
    "Runs PROGRAM on libashlar-malloc and reports at its end where its memory went.\n"
    "Its output, input, exit code and signals are what they are without the tool.\n";

const char* const run_examples =
    "Examples:\n"
    "  ashlar run -- python3 -c 'print(sum(range(10**7)))'\n"
    "  ashlar run -o report.txt -- make -j2          the report to a file\n"
    "  ashlar run -f -- g++ -O2 -c main.cpp          the compiler behind g++, too\n"
    "  ashlar run --json=report.json -q -- ./tests   for programs to read\n"
    "  ashlar run --track=full -- ./game             tags, sites, threads, leaks\n"
    "  ashlar run --leaks --depth 40 -- ./tests      each leak with its whole stack\n"
    "  ashlar run --leaks-every 10 -- ./server       what grows while it runs\n"
    "\n"
    "Levels: counters (blocks under a tag), full (every block with its stack, and\n"
    "  leaks at the end), debug (and guarded).\n"
    "\n"
    "Exit code: that of PROGRAM; killed by a signal, the tool dies by the same one.\n"
    "  2 wrong usage, 125 the tool cannot serve PROGRAM, 126 it cannot be executed,\n"
    "  127 it does not exist.\n";

const char* const leaks_description =
    "Shows the blocks that nothing points to at the end of a program, with the stacks\n"
    "that made them: from captures, or by running PROGRAM on libashlar-malloc.\n";

const char* const leaks_examples =
    "Examples:\n"
    "  ashlar leaks -- ./tests --fast\n"
    "  ashlar leaks --suppressions leaks.supp --min 1K -- ./tests\n"
    "  ashlar leaks --captures . -- ./server         keeps ./PID.capture\n"
    "  ashlar leaks --reachable 4711.capture\n"
    "  ashlar leaks 4711.1.capture 4711.2.capture 4711.3.capture\n"
    "  ashlar leaks --every 10 -- ./server           what grows while it runs\n"
    "\n"
    "Several captures of one process are compared: what rose in each step grows.\n"
    "Suppressions are LeakSanitizer's (leak:PATTERN), as are the variable\n"
    "  LSAN_OPTIONS=suppressions=FILE and a program's __lsan_default_suppressions().\n"
    "Exit code: that of PROGRAM if it is not 0; 23 (--exit-code) if something leaks\n"
    "  or grows; 0 if nothing does; 2 wrong usage, 125 a capture cannot be used.\n";

const char* const doctor_description =
    "Says what ashlar can see in a program or a process, what it cannot, and why.\n";

const char* const doctor_examples =
    "Examples:\n"
    "  ashlar doctor                  this machine alone\n"
    "  ashlar doctor ./server\n"
    "  ashlar doctor 4711\n"
    "\n"
    "Exit code: 0, or 1 if ashlar cannot serve the program at all.\n";

std::string tool_help() { return fmt::format(tool_text, tool_version); }

std::string version_text() { return fmt::format("ashlar {}\n", tool_version); }

help_formatter::help_formatter(std::string usage) : usage_(std::move(usage)) {
  column_width(option_columns);
}

std::string help_formatter::make_usage(const CLI::App*, std::string) const {
  return fmt::format("Usage: {}\n\n", usage_);
}

std::string help_formatter::make_group(std::string group, bool is_positional,
                                       std::vector<const CLI::Option*> options) const {
  std::string text = group + ":\n";
  for (const CLI::Option* option : options) text += make_option(option, is_positional);
  return text;
}

std::string help_formatter::make_option(const CLI::Option* option, bool) const {
  std::string names;
  for (const std::string& name : option->get_snames()) names += "-" + name + ", ";
  for (const std::string& name : option->get_lnames()) names += "--" + name;
  if (option->get_type_size() > 0 && !option->get_type_name().empty())
    names += (option->get_type_name().starts_with("[") ? "" : " ") + option->get_type_name();
  std::string text = fmt::format("  {:<{}}", names, option_columns - 2);
  if (names.size() + 2 >= option_columns) text += fmt::format("\n{:{}}", "", option_columns);
  return text + option->get_description() + "\n";
}

}  // namespace ashlar::tool
