// SPDX-License-Identifier: MIT
// __register_atfork, through which glibc's pthread_atfork goes: makes our fork handlers the first.
//
// Prepare handlers run last-registered first, so those of the program must be registered after
// ours: they may wait for a lock or for a thread of theirs, and whoever holds that lock, or is that
// thread, may be waiting for one of our locks. glibc's own malloc is locked after all handlers,
// so programs rely on that. Our handlers come with the heap; but a library may register its own in
// a constructor that runs before anybody allocates. Then the heap starts here.
//
// Weak, because a program that is linked statically has libc's function in it, and with it no
// library whose constructors could be earlier than ours.
#include <dlfcn.h>

#include <cerrno>

#include "ashlar/base/macros.hpp"
#include "ashlar/replace/process_heap.hpp"
#include "ashlar/structure/lock.hpp"

using handler = void (*)();
using registration = int(handler, handler, handler, void*);

extern "C" ASHLAR_EXPORT __attribute__((weak)) registration __register_atfork;

extern "C" int __register_atfork(handler prepare, handler parent, handler child,
                                 void* library) noexcept {
  // Under a lock of ours it is the heap itself that registers, as it starts.
  if (ashlar::locks_of_this_thread == 0) (void)ashlar::replace::bound_local();
  auto* const real = reinterpret_cast<registration*>(::dlsym(RTLD_NEXT, "__register_atfork"));
  return real != nullptr ? real(prepare, parent, child, library) : ENOMEM;
}
