// SPDX-License-Identifier: MIT
// Finds the program and tells in advance whether a preloaded library can serve it.
//
// The dynamic linker ignores LD_PRELOAD silently in privileged programs and never sees static ones,
// so without these checks the user would get a run without a report and no reason.
// Threads: thread-safe.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <filesystem>
#include <string>

namespace ashlar::tool {

/// Returns the file that `execvp` would run for `program`.
/// Errors: throws `failure` with 127 (not found) or 126 (found, but not executable).
std::filesystem::path find_program(const std::string& program);

/// Returns normally if `path` can be preloaded. Follows the interpreters of scripts. A file that
/// cannot be read (mode 0111) passes, since nothing is known about it.
/// Errors: throws `failure` with 125, or 127 if the interpreter of a script is missing.
void check_preloadable(const std::filesystem::path& path, const std::string& name);

/// Who runs a program: real user and group.
struct identity {
  uid_t user;
  gid_t group;
};

/// Tells whether the set-id bits in `status` make the dynamic linker ignore LD_PRELOAD: they do if
/// they change who the process is.
bool changes_identity(const struct stat& status, const identity& runner);

}  // namespace ashlar::tool
