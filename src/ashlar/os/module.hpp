// SPDX-License-Identifier: MIT
// Which file an address of code lies in, for reports that a symbolizer can read.
#pragma once

#include <cstdint>

namespace ashlar::os {

/// `file` is null where no file is known. Texts live as long as the module is loaded.
struct module_place {
  const char* file = nullptr;    ///< without its folder
  std::uintptr_t offset = 0;     ///< from where the file was loaded: what addr2line wants
  const char* symbol = nullptr;  ///< mangled; null where only the file's debug info would tell
  std::uintptr_t symbol_offset = 0;
};

/// Allocates nothing. Takes the loader's lock: not for signal handlers of code that may hold it.
module_place find_module(std::uintptr_t address) noexcept;

}  // namespace ashlar::os
