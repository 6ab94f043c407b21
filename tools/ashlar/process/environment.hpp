// SPDX-License-Identifier: MIT
// The environment that puts a program, and what it starts, on ashlar.
//
// Two variables change. LD_PRELOAD gets the library in front of what is there. ASHLAR_OPTIONS gets
// `snapshot=FOLDER,follow=0|1` behind what the user has set: each process on ashlar publishes its
// record as FOLDER/<pid>.ashlar. With `follow=0` a process does so only if that file exists
// already; the tool creates it for the one that it starts. So the record survives `exec`, while
// children run on ashlar too and write nothing.
// What is tracked goes behind that, if anything is.
// Threads: pure functions.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::tool {

struct preload_settings {
  std::filesystem::path library;
  std::filesystem::path snapshot_folder;
  bool follow_children = false;
  std::string tracking = {};  // further options, "track=full,capture=FOLDER"; empty: none
};

/// Returns `variables` ("NAME=value") with these settings added.
std::vector<std::string> preload_environment(const std::vector<std::string>& variables,
                                             const preload_settings& settings);

/// Returns the value that ASHLAR_OPTIONS in `variables` gives `key`, where the last one counts;
/// empty if it gives none.
std::string option_in(const std::vector<std::string>& variables, std::string_view key);

/// Returns the variables of this process.
std::vector<std::string> own_environment();

/// Tells whether LD_PRELOAD can name `library`: blanks and colons separate its entries, and the
/// dynamic linker replaces $LIB and its like.
bool can_be_preloaded_by_path(const std::filesystem::path& library);

/// Tells whether ASHLAR_OPTIONS can name a folder in `folder`: commas separate its entries, and
/// the library takes paths of a certain length.
bool can_be_named_in_options(const std::filesystem::path& folder);

}  // namespace ashlar::tool
