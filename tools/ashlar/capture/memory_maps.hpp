// SPDX-License-Identifier: MIT
// Which file was mapped where, from the text of /proc/PID/maps.
//
// Threads: immutable after construction.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::tool {

/// A mapped file: "libfoo.so" at `offset` from where its first byte would lie.
struct module_place {
  std::string file;  // with its path; empty: the address lies in no file
  std::uint64_t offset = 0;
};

class memory_maps {
 public:
  /// Lines that cannot be understood are passed over.
  explicit memory_maps(std::string_view text);

  module_place find(std::uint64_t address) const;

  /// Returns the files that code was mapped from, each once, in order of address.
  std::vector<std::string> code_files() const;

 private:
  struct range {
    std::uint64_t begin;
    std::uint64_t end;
    std::uint64_t base;  // of the file's first mapping
    bool executable;
    std::string file;
  };

  std::vector<range> ranges_;  // ascending
};

/// Returns what comes after the last slash.
std::string_view file_name(std::string_view path);

}  // namespace ashlar::tool
