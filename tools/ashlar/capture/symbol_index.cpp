// SPDX-License-Identifier: MIT
#include "tools/ashlar/capture/symbol_index.hpp"

#include <elfutils/libdwfl.h>
#include <gelf.h>

#include <algorithm>
#include <tuple>

namespace ashlar::tool {

namespace {

// How far back a function may begin that holds an address, in symbols: those between are aliases,
// and labels within it.
constexpr int farthest = 64;

bool may_be_code(const GElf_Sym& symbol, GElf_Word section) {
  const int type = GELF_ST_TYPE(symbol.st_info);
  return section != SHN_UNDEF && section != SHN_ABS &&
         (type == STT_FUNC || type == STT_GNU_IFUNC || type == STT_NOTYPE);
}

int strength_of(const GElf_Sym& symbol) {
  switch (GELF_ST_BIND(symbol.st_info)) {
    case STB_LOCAL: return 0;
    case STB_WEAK: return 1;
    default: return 2;
  }
}

}  // namespace

symbol_index::symbol_index(Dwfl_Module* module) {
  (void)dwfl_module_info(module, nullptr, nullptr, &end_, nullptr, nullptr, nullptr, nullptr);
  const int count = dwfl_module_getsymtab(module);
  for (int i = 1; i < count; ++i) {
    GElf_Sym found;
    GElf_Addr begin = 0;
    GElf_Word section = 0;
    const char* const name =
        dwfl_module_getsym_info(module, i, &found, &begin, &section, nullptr, nullptr);
    if (name == nullptr || *name == '\0' || !may_be_code(found, section)) continue;
    symbols_.push_back({begin, begin + found.st_size, strength_of(found), name});
  }
  // Stable: of equals the first one in the table comes last, as it is found from the end.
  std::reverse(symbols_.begin(), symbols_.end());
  std::stable_sort(symbols_.begin(), symbols_.end(), [](const symbol& a, const symbol& b) {
    return std::tie(a.begin, a.strength) < std::tie(b.begin, b.strength);
  });
}

const char* symbol_index::find(std::uint64_t address) const {
  if (address >= end_) return nullptr;
  auto at = std::upper_bound(symbols_.begin(), symbols_.end(), address,
                             [](std::uint64_t a, const symbol& s) { return a < s.begin; });
  const char* without_size = nullptr;
  bool is_behind = false;  // a function that begins further back has ended before
  for (int i = 0; i < farthest && at != symbols_.begin(); ++i) {
    --at;
    if (address < at->end) return at->name;
    if (at->end != at->begin)
      is_behind = true;
    else if (!is_behind && without_size == nullptr)
      without_size = at->name;
  }
  return without_size;
}

}  // namespace ashlar::tool
