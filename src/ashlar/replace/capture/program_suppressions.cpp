// SPDX-License-Identifier: MIT
#include "ashlar/replace/capture/program_suppressions.hpp"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "ashlar/base/bits.hpp"
#include "ashlar/base/relaxed.hpp"

extern "C" const char* __lsan_default_suppressions() __attribute__((weak));

namespace ashlar::replace {

namespace {

using function = const char* (*)();
constexpr char wanted[] = "__lsan_default_suppressions";

constinit const char* suppressions = "";
constinit bool asked = false;

// The program's own file, seen whole. Only the parts that are looked at come into memory.
class program_file {
 public:
  program_file() noexcept {
    const int file = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    struct stat status {};
    if (file < 0) return;
    if (::fstat(file, &status) == 0) size_ = static_cast<std::size_t>(status.st_size);
    void* const memory = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file, 0);
    if (memory != MAP_FAILED) data_ = static_cast<const char*>(memory);
    ::close(file);
  }
  ~program_file() {
    if (data_ != nullptr) ::munmap(const_cast<char*>(data_), size_);
  }
  program_file(const program_file&) = delete;
  program_file& operator=(const program_file&) = delete;

  /// Returns `count` entries at an offset; null if they do not lie in the file.
  template <class T>
  const T* at(std::uint64_t offset, std::uint64_t count = 1) const {
    const bool fits = data_ != nullptr && offset <= size_ && count <= (size_ - offset) / sizeof(T);
    return fits ? reinterpret_cast<const T*>(data_ + offset) : nullptr;
  }

 private:
  const char* data_ = nullptr;
  std::size_t size_ = 0;
};

// The value of the wanted function; 0: it is not in this table.
std::uint64_t value_in(const program_file& file, const ElfW(Shdr) & symbols,
                       const ElfW(Shdr) & names) {
  const std::uint64_t count = symbols.sh_size / sizeof(ElfW(Sym));
  const auto* const all = file.at<ElfW(Sym)>(symbols.sh_offset, count);
  const auto* const text = file.at<char>(names.sh_offset, names.sh_size);
  if (all == nullptr || text == nullptr) return 0;
  const void* const found = ::memmem(text, names.sh_size, wanted, sizeof wanted);
  if (found == nullptr) return 0;
  const auto name = static_cast<std::uint64_t>(static_cast<const char*>(found) - text);
  for (std::uint64_t i = 0; i < count; ++i)
    if (all[i].st_name == name && all[i].st_shndx != SHN_UNDEF) return all[i].st_value;
  return 0;
}

function find(const program_file& file, std::uintptr_t base) {
  const auto* const head = file.at<ElfW(Ehdr)>(0);
  if (head == nullptr) return nullptr;
  const auto* const sections = file.at<ElfW(Shdr)>(head->e_shoff, head->e_shnum);
  for (unsigned i = 0; sections != nullptr && i < head->e_shnum; ++i) {
    const ElfW(Shdr)& symbols = sections[i];
    if (symbols.sh_type != SHT_SYMTAB || symbols.sh_link >= head->e_shnum) continue;
    const std::uint64_t value = value_in(file, symbols, sections[symbols.sh_link]);
    if (value == 0) return nullptr;
    return reinterpret_cast<function>(value + (head->e_type == ET_DYN ? base : 0));
  }
  return nullptr;
}

// Where the program was loaded: its program headers lie behind its ELF header.
std::uintptr_t base_of_program() {
  const auto* const headers = reinterpret_cast<const ElfW(Phdr)*>(::getauxval(AT_PHDR));
  const std::uint64_t count = ::getauxval(AT_PHNUM);
  for (std::uint64_t i = 0; headers != nullptr && i < count; ++i)
    if (headers[i].p_type == PT_PHDR) return address_of(headers) - headers[i].p_vaddr;
  return 0;
}

}  // namespace

void ask_for_suppressions() noexcept {
  if (asked) return;
  asked = true;
  function ask = &__lsan_default_suppressions;
  if (ask == nullptr) ask = find(program_file(), base_of_program());
  const char* const said = ask != nullptr ? ask() : nullptr;
  if (said != nullptr) store_relaxed(suppressions, said);
}

const char* known_suppressions() noexcept { return load_relaxed(suppressions); }

}  // namespace ashlar::replace
