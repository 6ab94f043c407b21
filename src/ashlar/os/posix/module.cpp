// SPDX-License-Identifier: MIT
// Asks the loader.
#include "ashlar/os/module.hpp"

#include <dlfcn.h>
#include <string.h>

namespace ashlar::os {

module_place find_module(std::uintptr_t address) noexcept {
  Dl_info found = {};
  const void* const at =
      reinterpret_cast<const void*>(address);  // NOLINT(performance-no-int-to-ptr)
  if (::dladdr(at, &found) == 0 || found.dli_fname == nullptr) return {};
  const char* const slash = ::strrchr(found.dli_fname, '/');
  module_place place = {.file = slash == nullptr ? found.dli_fname : slash + 1,
                        .offset = address - reinterpret_cast<std::uintptr_t>(found.dli_fbase)};
  if (found.dli_sname != nullptr) {
    place.symbol = found.dli_sname;
    place.symbol_offset = address - reinterpret_cast<std::uintptr_t>(found.dli_saddr);
  }
  return place;
}

}  // namespace ashlar::os
