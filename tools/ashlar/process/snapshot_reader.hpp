// SPDX-License-Identifier: MIT
// Reads the record that a process on ashlar publishes, while it runs or after it has ended.
//
// The writer is another process and may change the record at any moment, or have died in the middle
// of a change; the file may be of another version, or no record at all. So nothing in it is
// trusted: the record is copied under its sequence number (a seqlock), then checked. Threads:
// thread-compatible.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <string>

#include "ashlar/observe/snapshot.hpp"

namespace ashlar::tool {

enum class read_status {
  ok,
  torn,           // the writer died in the middle of a change: numbers may disagree
  missing,        // no such file
  empty,          // the file is there, but nothing has been written to it
  no_snapshot,    // it holds something else
  other_version,  // written by another version of the library
  damaged,        // counts out of range
  unreadable,     // the OS refused
};

struct read_result {
  read_status status = read_status::missing;
  std::unique_ptr<observe::snapshot> record;  // with ok and torn only
  std::uint32_t version = 0;                  // with other_version

  explicit operator bool() const { return record != nullptr; }
};

/// Returns a consistent copy of the record in `file`.
read_result read_snapshot(const std::filesystem::path& file);

/// Returns the name of the file that a process writes inside of the snapshot directory.
std::string snapshot_file_name(pid_t pid);

/// Returns why there is no record, as the end of a sentence.
std::string describe(const read_result& result);

}  // namespace ashlar::tool
