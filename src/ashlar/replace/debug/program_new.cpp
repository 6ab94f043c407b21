// SPDX-License-Identifier: MIT
#include "ashlar/replace/debug/program_new.hpp"

#include <dlfcn.h>

#include "ashlar/base/relaxed.hpp"

namespace ashlar::replace {

namespace {

// The forms without an alignment, by their symbols: new, new[], delete, delete[]; nothrow, sized.
constexpr const char* forms[] = {"_Znwm",
                                 "_Znam",
                                 "_ZdlPv",
                                 "_ZdaPv",
                                 "_ZdlPvm",
                                 "_ZdaPvm",
                                 "_ZnwmRKSt9nothrow_t",
                                 "_ZnamRKSt9nothrow_t"};

enum class answer : unsigned char { unknown, no, yes };
constinit answer known = answer::unknown;

const void* library_of(const void* address) {
  Dl_info found{};
  return ::dladdr(address, &found) != 0 ? found.dli_fbase : nullptr;
}

bool search() {
  const void* const ours = library_of(&known);
  for (const char* const form : forms) {
    const void* const first = ::dlsym(RTLD_DEFAULT, form);
    if (first != nullptr && library_of(first) != ours) return true;
  }
  return false;
}

}  // namespace

bool program_replaces_new() noexcept {
  if (load_relaxed(known) == answer::unknown)
    store_relaxed(known, search() ? answer::yes : answer::no);
  return load_relaxed(known) == answer::yes;
}

}  // namespace ashlar::replace
