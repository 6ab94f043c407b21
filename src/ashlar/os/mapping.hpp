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

}  // namespace ashlar::os
