// SPDX-License-Identifier: MIT
#include "tools/ashlar/doctor/elf_facts.hpp"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwelf.h>
#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <gelf.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "tools/ashlar/process/unique_fd.hpp"

namespace ashlar::tool {

namespace {

/// So many functions tell how all of them were built.
constexpr std::size_t functions_to_sample = 400;
/// Shorter ones need no frame, whatever they were built with.
constexpr std::uint64_t shortest_function = 96;

std::string machine_name(int machine) {
  switch (machine) {
    case EM_X86_64: return "x86-64";
    case EM_386: return "x86";
    case EM_AARCH64: return "AArch64";
    case EM_ARM: return "ARM";
    case EM_RISCV: return "RISC-V";
    case EM_PPC64: return "PowerPC 64";
    case EM_S390: return "S/390";
    default: return fmt::format("machine {}", machine);
  }
}

/// The DWARF number of the register that a frame pointer lies in; -1: not known.
int frame_register(int machine) {
  switch (machine) {
    case EM_X86_64: return 6;
    case EM_386: return 5;
    case EM_AARCH64: return 29;
    case EM_RISCV: return 8;
    default: return -1;
  }
}

void note_symbol(std::string_view name, bool defined, elf_facts& facts) {
  constexpr struct {
    std::string_view symbol;
    const char* sanitizer;
  } runtimes[] = {{"__asan_init", "AddressSanitizer"},
                  {"__tsan_init", "ThreadSanitizer"},
                  {"__msan_init", "MemorySanitizer"},
                  {"__hwasan_init", "HWAddressSanitizer"},
                  {"__lsan_init", "LeakSanitizer"}};
  for (const auto& each : runtimes)
    if (name == each.symbol) facts.sanitizer = each.sanitizer;
  if (!defined) return;
  if (name == "malloc") facts.own_allocation.emplace_back("malloc");
  if (name == "_Znwm" || name == "_Znwj") facts.own_allocation.emplace_back("operator new");
}

/// `exported`: the table is that of the dynamic linker. The other one has every symbol.
void read_symbols(Elf_Scn* section, const GElf_Shdr& header, Elf* elf, bool exported,
                  elf_facts& facts) {
  Elf_Data* data = elf_getdata(section, nullptr);
  if (data == nullptr || header.sh_entsize == 0) return;
  const auto count = static_cast<int>(header.sh_size / header.sh_entsize);
  for (int i = 0; i < count; ++i) {
    GElf_Sym symbol;
    if (gelf_getsym(data, i, &symbol) == nullptr) continue;
    const char* name = elf_strptr(elf, header.sh_link, symbol.st_name);
    const bool defined = symbol.st_shndx != SHN_UNDEF && GELF_ST_BIND(symbol.st_info) != STB_LOCAL;
    if (name == nullptr) continue;
    if (defined && std::string_view(name) == "__lsan_default_suppressions")
      facts.has_suppressions = true;
    if (exported) note_symbol(name, defined, facts);
  }
}

void read_needed(Elf_Scn* section, const GElf_Shdr& header, Elf* elf, elf_facts& facts) {
  Elf_Data* data = elf_getdata(section, nullptr);
  if (data == nullptr || header.sh_entsize == 0) return;
  const auto count = static_cast<int>(header.sh_size / header.sh_entsize);
  for (int i = 0; i < count; ++i) {
    GElf_Dyn entry;
    if (gelf_getdyn(data, i, &entry) == nullptr || entry.d_tag == DT_NULL) break;
    if (entry.d_tag != DT_NEEDED) continue;
    if (const char* name = elf_strptr(elf, header.sh_link, entry.d_un.d_val))
      facts.needed.emplace_back(name);
  }
}

void read_sections(Elf* elf, elf_facts& facts) {
  std::size_t names = 0;
  if (elf_getshdrstrndx(elf, &names) != 0) return;
  for (Elf_Scn* section = nullptr; (section = elf_nextscn(elf, section)) != nullptr;) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) == nullptr) continue;
    const char* name = elf_strptr(elf, names, header.sh_name);
    if (name != nullptr && std::string_view(name) == ".go.buildinfo") facts.is_go = true;
    if (header.sh_type == SHT_SYMTAB) facts.has_symbols = true;
    if (header.sh_type == SHT_SYMTAB) read_symbols(section, header, elf, false, facts);
    if (header.sh_type == SHT_DYNSYM) read_symbols(section, header, elf, true, facts);
    if (header.sh_type == SHT_DYNAMIC) read_needed(section, header, elf, facts);
  }
}

void read_interpreter(Elf* elf, elf_facts& facts) {
  std::size_t count = 0;
  if (elf_getphdrnum(elf, &count) != 0) return;
  for (int i = 0; i < static_cast<int>(count); ++i) {
    GElf_Phdr segment;
    if (gelf_getphdr(elf, i, &segment) == nullptr || segment.p_type != PT_INTERP) continue;
    Elf_Data* data = elf_getdata_rawchunk(elf, static_cast<off_t>(segment.p_offset),
                                          segment.p_filesz, ELF_T_BYTE);
    if (data == nullptr || data->d_size == 0) continue;
    const auto* text = static_cast<const char*>(data->d_buf);
    facts.interpreter.assign(text, ::strnlen(text, data->d_size));
  }
}

/// Where functions begin, from the table that the C++ runtime searches (.eh_frame_hdr). It is
/// there in stripped files, too, and sorted.
std::vector<std::uint64_t> function_starts(Elf* elf) {
  std::vector<std::uint64_t> starts;
  std::size_t count = 0;
  if (elf_getphdrnum(elf, &count) != 0) return starts;
  for (int i = 0; i < static_cast<int>(count); ++i) {
    GElf_Phdr segment;
    if (gelf_getphdr(elf, i, &segment) == nullptr || segment.p_type != PT_GNU_EH_FRAME) continue;
    Elf_Data* data = elf_getdata_rawchunk(elf, static_cast<off_t>(segment.p_offset),
                                          segment.p_filesz, ELF_T_BYTE);
    // Version 1; pointer of 4 bytes; count of 4 bytes; pairs of 4 bytes relative to the table.
    constexpr unsigned char usual[] = {0x01, 0x1b, 0x03, 0x3b};
    constexpr std::size_t before_table = 12;
    if (data == nullptr || data->d_size < before_table) return starts;
    const auto* bytes = static_cast<const unsigned char*>(data->d_buf);
    if (std::memcmp(bytes, usual, sizeof usual) != 0) return starts;
    for (std::size_t at = before_table; at + 8 <= data->d_size; at += 8) {
      std::int32_t offset = 0;
      std::memcpy(&offset, bytes + at, sizeof offset);
      starts.push_back(segment.p_vaddr + static_cast<std::uint64_t>(std::int64_t{offset}));
    }
  }
  return starts;
}

/// Tells whether the caller's frame is found from the frame pointer, as the tables say.
bool keeps_frame_at(Dwarf_CFI* tables, std::uint64_t address, int pointer, bool& known) {
  Dwarf_Frame* frame = nullptr;
  known = dwarf_cfi_addrframe(tables, address, &frame) == 0;
  if (!known) return false;
  Dwarf_Op* operations = nullptr;
  std::size_t count = 0;
  const bool keeps = dwarf_frame_cfa(frame, &operations, &count) == 0 && count == 1 &&
                     operations[0].atom == DW_OP_bregx &&
                     operations[0].number == static_cast<Dwarf_Word>(pointer);
  std::free(frame);
  return keeps;
}

void sample_functions(Elf* elf, int machine, elf_facts& facts) {
  const int pointer = frame_register(machine);
  const std::vector<std::uint64_t> starts = function_starts(elf);
  Dwarf_CFI* tables = pointer < 0 || starts.empty() ? nullptr : dwarf_getcfi_elf(elf);
  if (tables == nullptr) return;
  const std::size_t step = std::max<std::size_t>(starts.size() / functions_to_sample, 1);
  for (std::size_t i = 0; i + 1 < starts.size(); i += step) {
    const std::uint64_t size = starts[i + 1] - starts[i];
    if (starts[i + 1] <= starts[i] || size < shortest_function) continue;
    bool known = false;
    const bool keeps = keeps_frame_at(tables, starts[i] + size / 2, pointer, known);
    if (known) ++facts.functions_sampled;
    if (keeps) ++facts.with_frame_pointer;
  }
  dwarf_cfi_end(tables);
}

/// Looks for debug information where the reports look for it.
void find_debug_information(const std::filesystem::path& file, elf_facts& facts) {
  Dwfl_Callbacks callbacks{};
  callbacks.find_elf = dwfl_linux_proc_find_elf;
  callbacks.find_debuginfo = dwfl_standard_find_debuginfo;
  callbacks.section_address = dwfl_offline_section_address;
  Dwfl* session = dwfl_begin(&callbacks);
  if (session == nullptr) return;
  dwfl_report_begin(session);
  Dwfl_Module* module = dwfl_report_offline(session, "", file.c_str(), -1);
  dwfl_report_end(session, nullptr, nullptr);
  Dwarf_Addr bias = 0;
  if (module != nullptr && dwfl_module_getdwarf(module, &bias) != nullptr) {
    const char* main_file = nullptr;
    const char* debug_file = nullptr;
    dwfl_module_info(module, nullptr, nullptr, nullptr, nullptr, nullptr, &main_file, &debug_file);
    facts.debug_file = debug_file != nullptr ? debug_file : file.string();
  }
  dwfl_end(session);
}

std::string hexadecimal(const void* bytes, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i)
    text += fmt::format("{:02x}", static_cast<const unsigned char*>(bytes)[i]);
  return text;
}

}  // namespace

elf_facts facts_of(const std::filesystem::path& file) {
  elf_facts facts;
  elf_version(EV_CURRENT);
  const unique_fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  Elf* elf = fd ? elf_begin(fd.get(), ELF_C_READ_MMAP, nullptr) : nullptr;
  GElf_Ehdr header;
  if (elf != nullptr && elf_kind(elf) == ELF_K_ELF && gelf_getehdr(elf, &header) != nullptr) {
    facts.is_elf = true;
    facts.bits = gelf_getclass(elf) == ELFCLASS32 ? 32 : 64;
    facts.machine = machine_name(header.e_machine);
    const void* id = nullptr;
    const ssize_t size = dwelf_elf_gnu_build_id(elf, &id);
    if (size > 0) facts.build_id = hexadecimal(id, static_cast<std::size_t>(size));
    read_interpreter(elf, facts);
    read_sections(elf, facts);
    sample_functions(elf, header.e_machine, facts);
    find_debug_information(file, facts);
  }
  if (elf != nullptr) elf_end(elf);
  return facts;
}

}  // namespace ashlar::tool
