// SPDX-License-Identifier: MIT
// Has `main` returned? Then what its frames held lies dead on the stack, and is no root of blocks.
#pragma once

#include <cstdint>

namespace ashlar::replace {

/// To be called by what runs when `exit` does: from here on it makes sense to ask.
void note_exit() noexcept;

/// Returns where the part of the main thread's stack ends that no frame of the program lies in any
/// more: all below it, down to the caller. 0 if there may be such frames.
std::uintptr_t end_of_dead_stack() noexcept;

}  // namespace ashlar::replace
