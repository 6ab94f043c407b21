// SPDX-License-Identifier: MIT
// Call stacks of the running thread, as return addresses.
//
// A walk begins in the function that called the library, with the registers that it will get back,
// and goes from caller to caller by the compiler's unwind tables: a rule for each return address,
// found once and kept (unwind/rule_cache.hpp). So functions without frame pointers are no obstacle,
// and none is left out because it did not save one. Code without tables, such as a just-in-time
// compiler's, and all code on machines whose tables are not understood (os/unwind_tables.hpp), is
// left by its frame pointer, if that leads up the stack.
//
// Every read lies between the place of the walk and the end of the stack, and each step goes up: a
// wrong rule gives a wrong stack and no fault. Nothing is allocated, no lock is taken.
// A thread that keeps its last walk takes over what has not changed since (unwind/last_walk.hpp).
// Threads: thread-safe, and in signal handlers too. Cost: some 40 instructions a frame that is new,
// each waiting for the one before; some 15 that wait for nothing for one that the last walk had
// too.
#pragma once

#include <cstdint>

#include "ashlar/base/macros.hpp"
#include "ashlar/observe/unwind/last_walk.hpp"
#include "ashlar/os/stack_bounds.hpp"

namespace ashlar::observe {

/// Where a walk begins: the return address into the function that called the library, and what that
/// function has in its frame pointer and stack pointer when it is returned to.
struct caller {
  const void* return_address = nullptr;
  const void* frame = nullptr;
  const void* stack = nullptr;
};

/// The caller of the function that this is used in, which must not be inlined itself. What was
/// jumped to (a tail call) counts as called by whoever called before.
ASHLAR_FORCE_INLINE caller caller_of_this() {
  // Our own frame begins with what the caller had: its frame pointer, then the return address.
  auto* const own = static_cast<void**>(__builtin_frame_address(0));
  return {__builtin_return_address(0), own[0], own + 2};
}

/// Writes the return addresses from `from` outwards to `frames`, `from.return_address` first. Of a
/// function that a signal interrupted, the address behind the first byte of the instruction.
/// Returns how many: at most `most`. `bounds` is the thread's own record of its stack, renewed
/// where it does not fit.
std::uint32_t walk_stack(const caller& from, os::stack_bounds& bounds, std::uintptr_t* frames,
                         std::uint32_t most) noexcept;

/// A stack that lies in a thread's memory of its last walk, until the next one.
struct walked_stack {
  const std::uintptr_t* frames;
  std::uint32_t count;
  bool is_same;  // as the walk before
};

/// The same, by a thread that keeps its last walk. At least one frame, at most
/// `stack_frames_limit`. Requires: nobody else uses `last` (last_walk_use).
walked_stack walk_stack(const caller& from, os::stack_bounds& bounds, std::uint32_t most,
                        last_walk& last) noexcept;

}  // namespace ashlar::observe
