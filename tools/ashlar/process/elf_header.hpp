// SPDX-License-Identifier: MIT
// Reads as much of an ELF file as tells whether the dynamic linker will be part of the program.
#pragma once

#include <string_view>

namespace ashlar::tool {

enum class elf_kind {
  dynamic_program,  // names a dynamic linker (PT_INTERP): can be preloaded
  static_program,   // names none
  other_machine,    // other width, byte order or processor than this tool
};

bool is_elf(std::string_view first_bytes);

/// Returns the kind of the ELF file behind `fd`. A header that is cut short counts as static: the
/// kernel will refuse it.
elf_kind read_elf_kind(int fd);

}  // namespace ashlar::tool
