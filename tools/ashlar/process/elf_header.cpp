// SPDX-License-Identifier: MIT
#include "tools/ashlar/process/elf_header.hpp"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>

#include "tools/ashlar/process/unique_fd.hpp"

namespace ashlar::tool {

namespace {

// ElfW picks the width of this tool, which is that of the library that it preloads.
using elf_file_header = ElfW(Ehdr);
using elf_program_header = ElfW(Phdr);

bool read_at(int fd, void* into, std::size_t size, off_t offset) {
  return ::pread(fd, into, size, offset) == static_cast<ssize_t>(size);
}

/// What this machine runs is what this tool itself is: no table of processors is needed.
elf_file_header own_header() {
  elf_file_header header{};
  const unique_fd self(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  if (self) read_at(self.get(), &header, sizeof header, 0);
  return header;
}

bool fits_this_machine(const elf_file_header& header) {
  const elf_file_header own = own_header();
  if (own.e_machine == EM_NONE) return true;  // without /proc nothing can be compared
  // Width, byte order and version stand before the bytes that name the operating system.
  return std::equal(own.e_ident, own.e_ident + EI_OSABI, header.e_ident) &&
         own.e_machine == header.e_machine;
}

}  // namespace

bool is_elf(std::string_view first_bytes) {
  return first_bytes.starts_with(std::string_view(ELFMAG, SELFMAG));
}

elf_kind read_elf_kind(int fd) {
  elf_file_header header{};
  if (!read_at(fd, &header, sizeof header, 0)) return elf_kind::static_program;
  if (!fits_this_machine(header)) return elf_kind::other_machine;
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    elf_program_header segment{};
    const auto offset = static_cast<off_t>(header.e_phoff + std::size_t{i} * header.e_phentsize);
    if (!read_at(fd, &segment, sizeof segment, offset)) break;
    if (segment.p_type == PT_INTERP) return elf_kind::dynamic_program;
  }
  return elf_kind::static_program;
}

}  // namespace ashlar::tool
