// SPDX-License-Identifier: MIT
// Asks the loader of glibc 2.35 or newer, which answers without a lock. An older one lacks the
// function, and so does another libc: then nothing is known. The rules that the tables hold speak
// of registers by number; observe/unwind knows those of x86-64.
#include "ashlar/os/unwind_tables.hpp"

#include <elf.h>
#include <link.h>
#include <string.h>

#include "ashlar/base/bits.hpp"

namespace ashlar::os {

namespace {

// As glibc's `struct dl_find_object`, under a name of our own: the headers of an older one lack it.
struct found_object {
  unsigned long long flags;
  void* map_start;
  void* map_end;
  void* link_map;
  void* eh_frame;
  unsigned long long reserved[8];
};

extern "C" int ask_loader(void* code, found_object* result) __asm__("_dl_find_object")
    __attribute__((weak));

// Narrows the module down to the segment that holds the index. The headers of a module are mapped
// at its beginning, unless a linker script had other ideas: then it has no tables for us.
bool find_segment(unwind_tables& t) {
  ElfW(Ehdr) file;
  ::memcpy(&file, at_address(t.code_low), sizeof file);
  if (::memcmp(file.e_ident, ELFMAG, SELFMAG) != 0) return false;
  if (file.e_phentsize != sizeof(ElfW(Phdr)) || file.e_phoff > 512) return false;
  if (file.e_phnum > 32) return false;
  ElfW(Phdr) segments[32];
  ::memcpy(segments, at_address(t.code_low + file.e_phoff), file.e_phnum * sizeof segments[0]);
  std::uintptr_t base = 0;
  for (int i = file.e_phnum; i-- > 0;)
    if (segments[i].p_type == PT_LOAD && segments[i].p_offset == 0)
      base = t.code_low - segments[i].p_vaddr;
  for (int i = 0; i < file.e_phnum; ++i) {
    if (segments[i].p_type != PT_LOAD || (segments[i].p_flags & PF_R) == 0) continue;
    t.low = base + segments[i].p_vaddr;
    t.high = t.low + segments[i].p_filesz;
    if (t.index >= t.low && t.index < t.high) return t.low >= t.code_low && t.high <= t.code_high;
  }
  return false;
}

}  // namespace

bool has_unwind_tables() noexcept { return understands_unwind_tables && ask_loader != nullptr; }

bool find_unwind_tables(std::uintptr_t code, unwind_tables& found) noexcept {
  found_object object;
  if (!has_unwind_tables() || ask_loader(at_address(code), &object) != 0) return false;
  found = {.code_low = address_of(object.map_start),
           .code_high = address_of(object.map_end),
           .index = address_of(object.eh_frame),
           .module = address_of(object.link_map)};
  if (found.index != 0 && !find_segment(found)) found.index = 0;
  return true;
}

}  // namespace ashlar::os
