// SPDX-License-Identifier: MIT
// The private folder in which the processes of one run publish their records.
//
// It lies in $XDG_RUNTIME_DIR, which is in memory and belongs to the user, or in /tmp; its mode is
// 0700, since the records tell what a program does. It is removed with all that is in it.
// Threads: thread-confined.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <vector>

namespace ashlar::tool {

class snapshot_folder {
 public:
  /// Errors: throws `failure` with 125 if no folder can be made.
  snapshot_folder();
  snapshot_folder(const snapshot_folder&) = delete;
  snapshot_folder& operator=(const snapshot_folder&) = delete;
  ~snapshot_folder();

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path file_of(pid_t pid) const;

  /// Returns the processes that have a file here, in ascending order.
  std::vector<pid_t> processes() const;

 private:
  std::filesystem::path path_;
};

}  // namespace ashlar::tool
