// SPDX-License-Identifier: MIT
// Writes stacks as raw lines, which a tool turns into names and lines of source:
//
//     #0 0x55d0c0de1189 /usr/bin/program+0x1189
//
// The offset counts from where the file begins in memory: what addr2line asks for, of a program
// that may lie anywhere. Addresses are those behind the calls. Nothing here allocates.
#pragma once

#include "ashlar/observe/stack_walk.hpp"
#include "ashlar/observe/table/site_table.hpp"
#include "ashlar/os/diagnostic.hpp"

namespace ashlar::replace {

/// Threads: the caller's lock.
class stack_printer {
 public:
  /// `write`: where lines go.
  constexpr explicit stack_printer(void (*write)(const os::line&) noexcept) : write_(write) {}

  void print(const std::uintptr_t* frames, std::uint32_t count) noexcept;
  /// The place of a site, where the API carried it, and its stack.
  void print_site(observe::site_id site) noexcept;
  /// The stack of the calling thread from `from` outwards.
  void print_from(const observe::caller& from) noexcept;

 private:
  // Which file an address lies in, and where that begins.
  struct place {
    std::uintptr_t begin;
    std::size_t name;  // offset into `names_`: 0 is the empty name
  };
  static constexpr std::size_t names_size = 8192;

  void find_files(const std::uintptr_t* frames, std::uint32_t count) noexcept;
  std::size_t keep(const char* name) noexcept;

  void (*write_)(const os::line&) noexcept;
  place place_[observe::stack_frames_limit] = {};
  std::size_t used_ = 0;
  char names_[names_size] = {};
};

}  // namespace ashlar::replace
