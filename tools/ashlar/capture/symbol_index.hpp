// SPDX-License-Identifier: MIT
// The functions in a module's table of symbols, by address.
//
// libdwfl answers such a question by reading the whole table, each time: half a second for the few
// thousand addresses of a python program. Here it is read once and put in order.
#pragma once

#include <cstdint>
#include <vector>

struct Dwfl_Module;

namespace ashlar::tool {

class symbol_index {
 public:
  /// Reads the symbols of a module, where it or its debug file has any. Names stay valid as long as
  /// the session of `module`.
  explicit symbol_index(Dwfl_Module* module);

  /// Returns the name of the function that an address of the process lies in; null if none is
  /// known. Of several names the one that binds strongest: global before weak before local.
  const char* find(std::uint64_t address) const;

 private:
  struct symbol {
    std::uint64_t begin;
    std::uint64_t end;  // as begin: the table does not say
    int strength;
    const char* name;
  };

  std::uint64_t end_ = 0;        // of the module
  std::vector<symbol> symbols_;  // in order of begin, then of strength
};

}  // namespace ashlar::tool
