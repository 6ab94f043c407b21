// SPDX-License-Identifier: MIT
#include "tools/ashlar/capture/symbolizer.hpp"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string_view>

#include "tools/ashlar/capture/function_names.hpp"

namespace ashlar::tool {

namespace {

const Dwfl_Callbacks& callbacks() {
  static const Dwfl_Callbacks all = [] {
    Dwfl_Callbacks standard{};
    standard.find_elf = dwfl_linux_proc_find_elf;
    standard.find_debuginfo = dwfl_standard_find_debuginfo;
    return standard;
  }();
  return all;
}

/// Tells whether `file` is still what was mapped when the capture was made.
bool is_as_it_was(const std::string& file, std::time_t written) {
  struct stat status {};
  return ::stat(file.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
         (written == 0 || status.st_mtime <= written);
}

std::string source_path(const char* path) {
  return path != nullptr ? std::filesystem::path(path).lexically_normal().string() : std::string();
}

/// The name of a function in the debug information, through its declaration.
std::string name_of(Dwarf_Die& die) {
  Dwarf_Attribute attribute;
  for (const unsigned kind : {DW_AT_linkage_name, DW_AT_MIPS_linkage_name})
    if (dwarf_attr_integrate(&die, kind, &attribute) != nullptr)
      if (const char* name = dwarf_formstring(&attribute)) return readable_name(name);
  const char* name = dwarf_diename(&die);
  if (name == nullptr) return "";
  return std::string_view(name) == "operator()" ? "(lambda)" : name;
}

int number_of(Dwarf_Die& die, unsigned kind) {
  Dwarf_Attribute attribute;
  Dwarf_Word number = 0;
  if (dwarf_attr(&die, kind, &attribute) == nullptr || dwarf_formudata(&attribute, &number) != 0)
    return 0;
  return static_cast<int>(number);
}

/// All scopes around an address, the innermost first: blocks, inlined functions, the function.
std::vector<Dwarf_Die> scopes_at(Dwarf_Die* unit, Dwarf_Addr address) {
  Dwarf_Die* found = nullptr;
  std::vector<Dwarf_Die> scopes;
  if (dwarf_getscopes(unit, address, &found) <= 0) return scopes;
  // What these say beyond the first inlined function is where that was written, not where it was
  // inlined. The scopes around the innermost one as it stands say that.
  Dwarf_Die innermost = found[0];
  std::free(found);
  found = nullptr;
  const int count = dwarf_getscopes_die(&innermost, &found);
  if (count > 0) scopes.assign(found, found + count);
  std::free(found);
  return scopes;
}

/// Where the function in `die` was inlined.
void set_call_place(Dwarf_Die& die, Dwarf_Die* unit, frame& caller) {
  caller.line = number_of(die, DW_AT_call_line);
  Dwarf_Files* files = nullptr;
  std::size_t count = 0;
  if (dwarf_getsrcfiles(unit, &files, &count) != 0) return;
  const auto index = static_cast<std::size_t>(number_of(die, DW_AT_call_file));
  if (index < count) caller.file = source_path(dwarf_filesrc(files, index, nullptr, nullptr));
}

}  // namespace

symbolizer::symbolizer(const std::string& maps, std::time_t written) : maps_(maps) {
  std::string readable = readable_maps(maps, written);
  if (readable.empty()) return;
  session_ = dwfl_begin(&callbacks());
  std::FILE* text = ::fmemopen(readable.data(), readable.size(), "r");
  if (session_ == nullptr || text == nullptr) return;
  dwfl_report_begin(session_);
  dwfl_linux_proc_maps_report(session_, text);
  dwfl_report_end(session_, nullptr, nullptr);
  std::fclose(text);
}

symbolizer::~symbolizer() {
  if (session_ != nullptr) dwfl_end(session_);
}

/// Returns the lines of the files that may be read, and notes the others.
std::string symbolizer::readable_maps(const std::string& maps, std::time_t written) {
  std::string readable;
  std::map<std::string, bool> files;
  for (std::size_t begin = 0; begin < maps.size();) {
    const std::size_t end = std::min(maps.find('\n', begin), maps.size());
    const std::string line = maps.substr(begin, end - begin);
    begin = end + 1;
    const std::size_t path = line.find('/');
    if (path == std::string::npos) continue;
    const std::string file = line.substr(path);
    const auto known = files.try_emplace(file, false);
    if (known.second) known.first->second = is_as_it_was(file, written);
    if (known.first->second) readable += line + "\n";
  }
  for (const std::string& file : maps_.code_files())
    if (!files[file]) stale_.push_back(file);
  return readable;
}

const stack& symbolizer::frames_at(std::uint64_t return_address) {
  const auto found = known_.find(return_address);
  if (found != known_.end()) return found->second;
  return known_.emplace(return_address, look_up(return_address)).first->second;
}

stack symbolizer::look_up(std::uint64_t return_address) {
  // The call lies before the address that it returns to, which may belong to the next line, or to
  // the next function if the call never returns.
  const std::uint64_t address = return_address - 1;
  const module_place place = maps_.find(address);
  stack frames;
  Dwfl_Module* module = session_ != nullptr ? dwfl_addrmodule(session_, address) : nullptr;
  if (module != nullptr) add_functions(module, address, frames);
  if (frames.empty()) frames.emplace_back();
  for (frame& each : frames) {
    each.module = place.file;
    each.offset = place.file.empty() ? address : place.offset;
  }
  return frames;
}

const char* symbolizer::symbol_at(Dwfl_Module* module, std::uint64_t address) {
  return symbols_.try_emplace(module, module).first->second.find(address);
}

void symbolizer::add_functions(Dwfl_Module* module, std::uint64_t address, stack& frames) {
  Dwarf_Addr bias = 0;
  Dwarf_Die* unit = dwfl_module_addrdie(module, address, &bias);
  frame current;
  int line = 0;
  if (Dwfl_Line* source = dwfl_module_getsrc(module, address))
    current.file = source_path(dwfl_lineinfo(source, nullptr, &line, nullptr, nullptr, nullptr));
  current.line = line;
  if (unit != nullptr) {
    for (Dwarf_Die& die : scopes_at(unit, address - bias)) {
      const int tag = dwarf_tag(&die);
      if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_subprogram) continue;
      current.function = name_of(die);
      current.inlined = tag == DW_TAG_inlined_subroutine;
      // Functions of one file have no linkage name there, but the table of symbols may have it.
      const char* symbol = current.inlined ? nullptr : symbol_at(module, address);
      if (symbol != nullptr && std::string_view(symbol).starts_with("_Z"))
        current.function = readable_name(symbol);
      frames.push_back(current);
      if (!current.inlined) break;
      current = {};
      set_call_place(die, unit, current);
    }
  }
  if (!frames.empty() && !frames.back().inlined) return;
  // Without debug information the table of symbols still has the function.
  const char* symbol = symbol_at(module, address);
  current.function = symbol != nullptr ? readable_name(symbol) : "";
  current.inlined = false;
  frames.push_back(current);
}

}  // namespace ashlar::tool
