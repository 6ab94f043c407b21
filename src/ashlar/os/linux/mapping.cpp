// SPDX-License-Identifier: MIT
// Looks addresses up in /proc/self/maps, and pages in /proc/self/pagemap.
#include "ashlar/os/mapping.hpp"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>

#include "ashlar/base/bits.hpp"
#include "ashlar/base/units.hpp"
#include "ashlar/os/address_space.hpp"
#include "ashlar/os/file.hpp"
#include "ashlar/os/posix/errno_guard.hpp"
#include "ashlar/os/thread.hpp"

namespace ashlar::os {

namespace {

/// One line of the list: "begin-end rwxp offset device inode      name".
struct entry {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  const char* name = "";

  bool contains(std::uint64_t address) const { return address >= begin && address < end; }
};

// Anonymous memory right behind a file's is that file's .bss; or not quite behind, where a global
// is aligned to more than a page.
constexpr std::uint64_t bss_gap = 64_KiB;

entry parse_entry(const char* line) {
  entry result;
  const char* at = parse_hex(line, result.begin);
  if (*at == '-') at = parse_hex(at + 1, result.end);
  for (int field = 0; field < 4; ++field) {  // rights, offset, device, inode
    at += ::strspn(at, " ");
    at += ::strcspn(at, " ");
  }
  result.name = at + ::strspn(at, " ");
  return result;
}

mapping_kind kind_of(const entry& found, std::uint64_t stack) {
  if (found.contains(stack)) return mapping_kind::own_stack;
  if (::strcmp(found.name, "[stack]") == 0) return mapping_kind::main_stack;
  if (::strcmp(found.name, "[heap]") == 0) return mapping_kind::program_heap;
  return found.name[0] == '/' ? mapping_kind::file : mapping_kind::anonymous;
}

void copy_file_name(const char* path, mapping& to) {
  const char* const slash = ::strrchr(path, '/');
  const char* const name = slash == nullptr ? path : slash + 1;
  const std::size_t room = sizeof to.name - 1;
  const std::size_t size = ::strnlen(name, room);
  ::memcpy(to.name, name, size);
  to.name[size] = '\0';
}

}  // namespace

const char* to_string(mapping_kind kind) noexcept {
  switch (kind) {
    case mapping_kind::unknown: return "unknown memory";
    case mapping_kind::none: return "nothing is mapped there";
    case mapping_kind::own_stack: return "this thread's stack";
    case mapping_kind::main_stack: return "the main thread's stack";
    case mapping_kind::program_heap: return "the program break's heap";
    case mapping_kind::file: return "code or data of";
    case mapping_kind::anonymous: return "other anonymous memory";
  }
  return "unknown memory";
}

mapping find_mapping(const void* address) noexcept {
  const std::uint64_t wanted = address_of(address);
  line_reader lines("/proc/self/maps");
  const std::uint64_t stack = address_of(&lines);
  mapping result;
  std::uint64_t file_end = 0;  // of the mapping before, if it is a file's
  mapping latest_file;
  while (const char* line = lines.next()) {
    const entry at = parse_entry(line);
    result.kind = mapping_kind::none;
    const bool is_bss = at.name[0] == '\0' && file_end != 0 && at.begin - file_end < bss_gap;
    file_end = at.name[0] == '/' ? at.end : 0;
    if (file_end != 0) copy_file_name(at.name, latest_file);
    if (!at.contains(wanted)) continue;
    result.kind = kind_of(at, stack);
    if (result.kind == mapping_kind::anonymous && is_bss) result.kind = mapping_kind::file;
    if (result.kind == mapping_kind::file)
      ::memcpy(result.name, latest_file.name, sizeof result.name);
    break;
  }
  return result;
}

bool mapping_list::next(mapped_range& found) noexcept {
  const char* const line = lines_.next();
  if (line == nullptr) return false;
  const entry at = parse_entry(line);
  const char* const rights = line + ::strcspn(line, " ");
  found = {at.begin,
           at.end,
           rights[0] == ' ' && rights[1] == 'r',
           rights[0] == ' ' && rights[1] == 'r' && rights[2] == 'w',
           ::strcspn(rights, "p") == 4,
           at.name};
  return true;
}

written_pages::written_pages() noexcept {
  const errno_guard guard;
  const cancellation_hold hold;
  file_ = ::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
}

written_pages::~written_pages() {
  const errno_guard guard;
  if (file_ >= 0) ::close(file_);
}

written_pages::run written_pages::first_in(std::uintptr_t begin, std::uintptr_t end) noexcept {
  // Of the word that the kernel has for a page.
  constexpr std::uint64_t is_there = std::uint64_t{3} << 62;  // in memory, or swapped
  constexpr std::uint64_t is_files = std::uint64_t{1} << 61;
  const errno_guard guard;
  const cancellation_hold hold;
  const std::uintptr_t page = page_size();
  std::uint64_t words[256];
  run found;
  while (begin < end && found.end == 0) {
    const std::size_t wanted = std::min<std::size_t>((end - begin) / page, 256);
    const ssize_t got = ::pread(file_, words, wanted * sizeof words[0],
                                static_cast<off_t>(begin / page * sizeof words[0]));
    if (got <= 0) return {begin, end};
    for (std::size_t i = 0; i < static_cast<std::size_t>(got) / sizeof words[0]; ++i) {
      const bool is_written = (words[i] & is_there) != 0 && (words[i] & is_files) == 0;
      if (is_written && found.begin == 0) found.begin = begin;
      if (!is_written && found.begin != 0) return found;
      begin += page;
      if (is_written) found.end = begin;
    }
  }
  return found;
}

}  // namespace ashlar::os
