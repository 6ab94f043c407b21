// SPDX-License-Identifier: MIT
// What the command lines of all verbs share.
//
// Threads: pure functions.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "tools/ashlar/run_options.hpp"

namespace ashlar::tool {

/// Nothing to do but to say `text` and to leave with the code for wrong usage.
command_line usage_error(const std::string& text);

/// Names the option that `app` does not know and what it may have been meant to be.
command_line unknown_option(const CLI::App& app, const std::vector<std::string>& words);

/// The options that say where the report goes and how it looks.
void add_report_options(CLI::App& app, run_options& options);

/// The options that say what is tracked, and what of it is shown.
void add_suppression_options(CLI::App& app, run_options& options);

/// The option that lets captures be taken while the program runs.
void add_interval_option(CLI::App& app, const std::string& name, run_options& options);

/// Parses `words` with `app`. Returns what is to be said instead of going on, if anything.
std::optional<command_line> parse_words(CLI::App& app, std::vector<std::string> words);

/// Takes "--json" without "=FILE" out of `words`, so that the word behind it is never taken for the
/// file to be written: it may be what the user wants to look at. Returns whether it was there.
bool take_plain_json(std::vector<std::string>& words);

/// Reads "64K", "2M" or a plain number of bytes. Errors: throws CLI::ValidationError.
std::uint64_t bytes_called(const std::string& option, const std::string& text);

}  // namespace ashlar::tool
