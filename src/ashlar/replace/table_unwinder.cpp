// SPDX-License-Identifier: MIT
#include "ashlar/replace/table_unwinder.hpp"

#include <dlfcn.h>

#include "ashlar/observe/stack_walk.hpp"
#include "ashlar/observe/thread_state.hpp"

namespace ashlar::replace {

bool use_table_unwinder() noexcept {
  const observe::mute_scope quiet;
  // By its name, since the linker warns of it in each program that is linked statically.
  auto* const open = reinterpret_cast<decltype(dlopen)*>(::dlsym(RTLD_DEFAULT, "dlopen"));
  if (open == nullptr) return false;
  void* const library = open("libunwind.so.8", RTLD_LAZY | RTLD_LOCAL);
  if (library == nullptr) return false;
  auto* const walk = reinterpret_cast<observe::unwinder>(::dlsym(library, "unw_backtrace"));
  observe::set_unwinder(walk);
  return walk != nullptr;
}

}  // namespace ashlar::replace
