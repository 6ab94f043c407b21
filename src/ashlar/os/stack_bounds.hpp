// SPDX-License-Identifier: MIT
// Where a thread's stack lies, so that whoever walks it never leaves it.
#pragma once

#include <cstdint>

namespace ashlar::os {

/// A stack, or a part of it that is mapped now: addresses in `[low, high)`. Frames of the program
/// lie below `high`, which is as near to the first of them as can be told.
struct stack_bounds {
  std::uintptr_t low = 0;
  std::uintptr_t high = 0;
  /// From here to `high` it is the thread's own for certain, which is mapped as long as it runs.
  /// Below, and all of another one, as a coroutine's, may be unmapped, and something else there.
  std::uintptr_t own_from = static_cast<std::uintptr_t>(-1);

  bool contains(std::uintptr_t address) const { return address - low < high - low; }
};

/// Returns the bounds of the stack of the calling thread that `inside` lies in; empty if it lies in
/// no memory that is known. Deeper frames than `low` may be on the same stack: ask again with
/// those. Cost: two system calls near the begin of a thread, else some ten microseconds for the
/// list of mappings: keep the result. Allocates nothing, takes no lock; errno stays as it was.
stack_bounds find_stack(const void* inside) noexcept;

/// Whether the word at `address`, a multiple of its size, can be read now. Cost: a system call;
/// errno stays as it was.
bool can_read(std::uintptr_t address) noexcept;

}  // namespace ashlar::os
