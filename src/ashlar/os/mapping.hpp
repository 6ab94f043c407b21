// SPDX-License-Identifier: MIT
// Says what lies at an address: a stack, a file's data, nothing. For messages.
#pragma once

#include <cstdint>

#include "ashlar/os/file.hpp"

namespace ashlar::os {

enum class mapping_kind : unsigned char {
  unknown,       ///< The OS does not tell.
  none,          ///< Nothing is mapped there.
  own_stack,     ///< The calling thread's stack.
  main_stack,    ///< The main thread's stack, seen from another thread.
  program_heap,  ///< What brk gives: as a rule libc's own malloc.
  file,          ///< A file: a program's or library's code and data.
  anonymous,     ///< Anything else: another thread's stack, memory of another allocator.
};

struct mapping {
  mapping_kind kind = mapping_kind::unknown;
  char name[128] = {};  ///< The file's name without its folder; else empty.
};

/// Returns a few words for messages: "this thread's stack".
const char* to_string(mapping_kind kind) noexcept;

/// Looks an address up. Cost: reads the whole list of mappings in the worst case. Allocates
/// nothing, takes no lock; errno stays as it was.
mapping find_mapping(const void* address) noexcept;

/// A mapping of this process.
struct mapped_range {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
  bool readable = false;
  bool writable = false;
  bool is_private = false;  ///< What is written to it is for this process alone.
  const char* name = "";  ///< The path of a file, "[stack]" and the like. Until the next `next()`.
};

/// Goes through all mappings, lowest address first. Mappings that others make or take meanwhile may
/// be missed or found once more.
class mapping_list {
 public:
  mapping_list() noexcept : lines_("/proc/self/maps") {}

  /// Returns false after the last.
  bool next(mapped_range& found) noexcept;

 private:
  line_reader lines_;
};

/// Tells which pages of private mappings were written to: of a file's, those that are not the
/// file's any more. Pages that nobody has touched are none.
class written_pages {
 public:
  struct run {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
  };

  written_pages() noexcept;
  ~written_pages();
  written_pages(const written_pages&) = delete;
  written_pages& operator=(const written_pages&) = delete;

  /// Returns the first run of such pages in `[begin, end)`, or a part of it; empty if there is
  /// none. All of it where the system does not tell. Requires: bounds of pages. Cost: a system call
  /// for every 256 pages.
  run first_in(std::uintptr_t begin, std::uintptr_t end) noexcept;

 private:
  int file_;
};

}  // namespace ashlar::os
