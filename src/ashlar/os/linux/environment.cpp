// SPDX-License-Identifier: MIT
// libc's environ, and the kernel's word on privileges.
#include "ashlar/os/environment.hpp"

#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <cstddef>

namespace ashlar::os {

// Not getenv: programs define their own, and call malloc in it.
const char* environment_variable(const char* name) noexcept {
  if (environ == nullptr) return nullptr;
  const std::size_t size = ::strlen(name);
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (::strncmp(*entry, name, size) == 0 && (*entry)[size] == '=') return *entry + size + 1;
  }
  return nullptr;
}

bool is_privileged() noexcept { return ::getauxval(AT_SECURE) != 0; }

}  // namespace ashlar::os
