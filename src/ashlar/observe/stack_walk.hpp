// SPDX-License-Identifier: MIT
// Call stacks of the running thread, as return addresses.
//
// Frame pointers first: two loads a frame, each checked against the stack's bounds before it is
// followed, so a chain that leads astray ends and nothing faults. A walk is whole if it ended near
// the first frame of the thread; code without frame pointers breaks the chain earlier. Then, if the
// process has an unwinder that reads the tables of the compiler (`set_unwinder`), that one is
// asked. Threads: thread-safe. Cost: about 2 ns a frame with frame pointers.
#pragma once

#include <cstdint>

#include "ashlar/base/macros.hpp"
#include "ashlar/os/stack_bounds.hpp"

namespace ashlar::observe {

/// The most frames that a stack is recorded with.
inline constexpr std::uint32_t stack_frames_limit = 64;

/// Where a walk begins: the return address into the function that called the library, and the
/// frame pointer of that function.
struct caller {
  const void* return_address = nullptr;
  const void* frame = nullptr;
};

/// The caller of the function that this is used in, which must not be inlined itself. What was
/// jumped to (a tail call) counts as called by whoever called before.
ASHLAR_FORCE_INLINE caller caller_of_this() {
  return {__builtin_return_address(0), *static_cast<void**>(__builtin_frame_address(0))};
}

/// Fills `frames` with at most `most` return addresses of the calling thread, innermost first;
/// returns how many. Compatible with libunwind's `unw_backtrace`.
using unwinder = int (*)(void** frames, int most);

/// Sets what is asked where frame pointers end too early; null: nothing. Process-wide.
void set_unwinder(unwinder function) noexcept;

/// Whether there is one.
bool has_unwinder() noexcept;

/// Writes the return addresses from `from` outwards to `frames`, `from.return_address` first.
/// Returns how many: at most `most`. `bounds` is the thread's own record of its stack, renewed
/// where it does not fit.
std::uint32_t walk_stack(const caller& from, os::stack_bounds& bounds, std::uintptr_t* frames,
                         std::uint32_t most) noexcept;

}  // namespace ashlar::observe
