// SPDX-License-Identifier: MIT
// What an ELF file says about how it was built.
//
// Threads: pure functions.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace ashlar::tool {

struct elf_facts {
  bool is_elf = false;
  int bits = 0;                             // 32 or 64
  std::string machine;                      // "x86-64"
  std::string interpreter;                  // empty: none
  std::string build_id;                     // in hexadecimal; empty: none
  std::string debug_file;                   // where the debug information is; empty: nowhere
  std::vector<std::string> needed;          // libraries, as they are named
  std::vector<std::string> own_allocation;  // "malloc", "operator new": defined and exported
  std::string sanitizer;                    // "AddressSanitizer"; empty: none
  bool has_symbols = false;                 // a full table of symbols, not only the dynamic one
  bool is_go = false;
  bool has_suppressions = false;  // a function __lsan_default_suppressions

  // Of the functions that were looked at, how many keep a frame pointer.
  std::size_t functions_sampled = 0;
  std::size_t with_frame_pointer = 0;

  bool keeps_frame_pointers() const {
    return functions_sampled > 0 && with_frame_pointer * 2 >= functions_sampled;
  }
};

/// Reads `file`; what cannot be read stays as it is above.
elf_facts facts_of(const std::filesystem::path& file);

}  // namespace ashlar::tool
