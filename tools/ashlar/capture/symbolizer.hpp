// SPDX-License-Identifier: MIT
// From return addresses to functions and lines, with elfutils.
//
// Symbols come from the files that the process had mapped, and from debug information wherever
// elfutils looks for it: in the file, in /usr/lib/debug by build-id, beside the file by its link,
// from a debuginfod server if DEBUGINFOD_URLS names one. A file that is gone, or was replaced after
// the capture was made, is not read: its frames are given as module and offset.
// Threads: thread-confined.
#pragma once

#include <cstdint>
#include <ctime>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "tools/ashlar/capture/memory_maps.hpp"
#include "tools/ashlar/capture/symbol_index.hpp"

struct Dwfl;
struct Dwfl_Module;

namespace ashlar::tool {

/// One function on a stack.
struct frame {
  std::string function;  // readable; empty: not known
  std::string file;      // of the source; empty: not known
  int line = 0;
  std::string module;        // the mapped file, with its path; empty: not known
  std::uint64_t offset = 0;  // of the call in the module, or the address without a module
  bool inlined = false;      // into the next frame
  bool from_api = false;     // the program itself said so, by std::source_location

  bool operator==(const frame&) const = default;
};

using stack = std::vector<frame>;

class symbolizer {
 public:
  /// `maps` is the text of /proc/PID/maps; files changed after `written` are not read (0: all are).
  explicit symbolizer(const std::string& maps, std::time_t written = 0);
  symbolizer(const symbolizer&) = delete;
  symbolizer& operator=(const symbolizer&) = delete;
  ~symbolizer();

  /// Returns the functions that lie at a return address, the innermost inlined one first; one at
  /// least. Valid as long as this object.
  const stack& frames_at(std::uint64_t return_address);

  /// Returns the files of code that could not be read, or were changed since.
  const std::vector<std::string>& stale_files() const { return stale_; }

 private:
  std::string readable_maps(const std::string& maps, std::time_t written);
  stack look_up(std::uint64_t return_address);
  void add_functions(Dwfl_Module* module, std::uint64_t address, stack& frames);
  const char* symbol_at(Dwfl_Module* module, std::uint64_t address);

  memory_maps maps_;
  std::vector<std::string> stale_;
  Dwfl* session_ = nullptr;
  std::unordered_map<Dwfl_Module*, symbol_index> symbols_;
  std::unordered_map<std::uint64_t, stack> known_;
};

}  // namespace ashlar::tool
