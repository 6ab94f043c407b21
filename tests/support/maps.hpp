// SPDX-License-Identifier: MIT
// What the kernel says about an address, for tests that check what the OS layer claims.
#pragma once

#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>

namespace ashlar::test {

/// Returns the rights of the mapping at `address` ("rw-p"), or "" if nothing is mapped there.
inline std::string rights_at(const void* address) {
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::istringstream fields(line);
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    char dash = 0;
    std::string rights;
    fields >> std::hex >> begin >> dash >> end >> rights;
    if (wanted >= begin && wanted < end) return rights;
  }
  return "";
}

}  // namespace ashlar::test
