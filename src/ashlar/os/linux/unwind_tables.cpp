// SPDX-License-Identifier: MIT
// Asks the loader of glibc 2.35 or newer, which answers without a lock. An older one lacks the
// function, and so does another libc: then nothing is known. The rules that the tables hold speak
// of registers by number; observe/unwind knows those of x86-64.
#include "ashlar/os/unwind_tables.hpp"

#include <elf.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>

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

// Narrows the module down to the segment that holds the index, by a list of its segments. Returns
// false if the list is another module's.
bool find_segment(const ElfW(Phdr) * segments, std::size_t count, std::uintptr_t base,
                  unwind_tables& t) {
  bool is_its_own = false;
  unwind_tables found = t;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uintptr_t low = base + segments[i].p_vaddr;
    const std::uintptr_t high = low + segments[i].p_filesz;
    if (segments[i].p_type == PT_GNU_EH_FRAME && low == t.index) is_its_own = true;
    if (segments[i].p_type != PT_LOAD || (segments[i].p_flags & PF_R) == 0) continue;
    if (t.index >= low && t.index < high) {
      found.low = low;
      found.high = high;
    }
  }
  if (is_its_own) t = found;
  return is_its_own;
}

// The program's own segments are known from the kernel. Of others the headers are mapped at the
// beginning, unless a linker script had other ideas: then it has no tables for us.
bool find_segment(const link_map& module, unwind_tables& t) {
  const std::uintptr_t base = module.l_addr;
  const auto* const program = reinterpret_cast<const ElfW(Phdr)*>(::getauxval(AT_PHDR));
  // The program alone has no name. Another module's list may fit by chance, and not its lengths.
  if (program != nullptr && module.l_name[0] == 0)
    return find_segment(program, ::getauxval(AT_PHNUM), base, t) && t.low != 0;
  ElfW(Ehdr) file;
  ::memcpy(&file, at_address(t.code_low), sizeof file);
  if (::memcmp(file.e_ident, ELFMAG, SELFMAG) != 0) return false;
  if (file.e_phentsize != sizeof(ElfW(Phdr)) || file.e_phoff != sizeof file) return false;
  const auto* const segments =
      reinterpret_cast<const ElfW(Phdr)*>(at_address(t.code_low + sizeof file));
  const bool in_first_page = file.e_phnum <= (4096 - sizeof file) / sizeof(ElfW(Phdr));
  return in_first_page && find_segment(segments, file.e_phnum, base, t) && t.low != 0;
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
  const auto& module = *static_cast<const link_map*>(object.link_map);
  if (found.index != 0 && !find_segment(module, found)) found.index = 0;
  return true;
}

}  // namespace ashlar::os
