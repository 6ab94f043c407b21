// SPDX-License-Identifier: MIT
// Which memory is the stack of a thread that has ended?
//
// glibc keeps the stacks of ended threads for later ones, with all that their frames held: such
// memory is no root of blocks. Nothing public tells it from other memory, so this asks what libc
// tells debuggers (the `_thread_db_` tables that libthread_db reads): the lists of threads whose
// stacks libc has made, and of stacks that are kept, and where in the description of a thread its
// number lies, which the kernel clears when the thread is gone.
// Stacks that the program made itself are not in these lists. Whatever does not look as it must is
// left alone: then a leak may be missed, as with other libcs.
#pragma once

#include <cstdint>

#include "ashlar/os/address_space.hpp"

namespace ashlar::replace {

/// Asks libc where that is. Takes the loader's lock: not in signal handlers. Threads: thread-safe;
/// repeating it costs a load.
void learn_of_threads() noexcept;

/// Goes through the stacks of ended threads. Of those of a joinable thread its result, which
/// somebody may still ask for, is no part. Threads: others may begin and end meanwhile, which may
/// end the walk early. Signal-safe. Cost: a system call for each thread and each stack.
class dead_stacks {
 public:
  /// Returns false after the last.
  bool next(os::range& found) noexcept;

 private:
  bool next_entry() noexcept;

  std::uint32_t list_ = 0;    // which one
  std::uintptr_t entry_ = 0;  // in it; 0: it was not begun
  std::uint32_t count_ = 0;   // of entries so far: a walk that others disturb must end, too
};

}  // namespace ashlar::replace
