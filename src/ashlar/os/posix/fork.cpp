// SPDX-License-Identifier: MIT
// pthread_atfork.
#include "ashlar/os/fork.hpp"

#include <pthread.h>

namespace ashlar::os {

// glibc links pthread_atfork into each shared library by itself (libc_nonshared.a); it calls
// __register_atfork with that library's handle.
os_error on_fork(fork_handler prepare, fork_handler parent, fork_handler child) noexcept {
  return {::pthread_atfork(prepare, parent, child)};
}

}  // namespace ashlar::os
