// SPDX-License-Identifier: MIT
// The texts that explain the tool to those who ask it, and how the list of options is set.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace ashlar::tool {

/// Returns what `ashlar --help` prints.
std::string tool_help();

/// Returns what `ashlar --version` prints.
std::string version_text();

extern const char* const run_description;
extern const char* const run_examples;
extern const char* const leaks_description;
extern const char* const leaks_examples;
extern const char* const doctor_description;
extern const char* const doctor_examples;

/// CLI11's list of options under a usage line of our own.
class help_formatter : public CLI::Formatter {
 public:
  explicit help_formatter(std::string usage);
  std::string make_usage(const CLI::App* app, std::string name) const override;
  std::string make_group(std::string group, bool is_positional,
                         std::vector<const CLI::Option*> options) const override;
  std::string make_option(const CLI::Option* option, bool is_positional) const override;

 private:
  std::string usage_;
};

}  // namespace ashlar::tool
