// SPDX-License-Identifier: MIT
// `exit` that is called by libc itself, when `main` has returned, has nothing between it and the
// program's first instructions but frames of libc.
#include "ashlar/replace/dead_stack.hpp"

#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "ashlar/base/bits.hpp"
#include "ashlar/base/relaxed.hpp"
#include "ashlar/os/mapping.hpp"
#include "ashlar/os/thread.hpp"

// Where the stack was when the program began: below the arguments and the environment.
extern "C" void* __libc_stack_end __attribute__((weak));

namespace ashlar::replace {

namespace {

constexpr int most_frames = 32;
constinit bool exiting = false;

bool lie_in_same_file(const os::mapping& a, const os::mapping& b) {
  return a.kind == os::mapping_kind::file && b.kind == os::mapping_kind::file &&
         std::strcmp(a.name, b.name) == 0;
}

// Our frames, then those of libc, then one of the program: its entry.
bool is_called_by_libc_alone(void* const* frames, int count) {
  const os::mapping libc = os::find_mapping(reinterpret_cast<const void*>(&::exit));
  const os::mapping ours = os::find_mapping(reinterpret_cast<const void*>(&note_exit));
  if (lie_in_same_file(libc, ours)) return false;  // linked statically: cannot tell
  int i = 0;
  while (i < count && lie_in_same_file(os::find_mapping(frames[i]), ours)) ++i;
  int calls = 0;
  while (i < count && lie_in_same_file(os::find_mapping(frames[i]), libc)) {
    ++i;
    ++calls;
  }
  return calls >= 3 && i + 1 == count;
}

}  // namespace

void note_exit() noexcept { store_relaxed(exiting, true); }

std::uintptr_t end_of_dead_stack() noexcept {
  if (!load_relaxed(exiting) || &__libc_stack_end == nullptr) return 0;
  if (os::current_thread_id() != static_cast<decltype(os::current_thread_id())>(::getpid()))
    return 0;
  // By its name, as for the other unwinder: it loads the compiler's library.
  using function = int(void**, int);
  auto* const walk = reinterpret_cast<function*>(::dlsym(RTLD_DEFAULT, "backtrace"));
  if (walk == nullptr) return 0;
  void* frames[most_frames];
  const int count = walk(frames, most_frames);
  return is_called_by_libc_alone(frames, count) ? address_of(__libc_stack_end) : 0;
}

}  // namespace ashlar::replace
