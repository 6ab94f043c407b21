// SPDX-License-Identifier: MIT
// Hints to the processor that the language has no words for.
#pragma once

#include "ashlar/base/macros.hpp"

namespace ashlar {

/// Tells the processor that this thread spins.
ASHLAR_FORCE_INLINE void cpu_pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/// Starts to load the cache line of `p`, to be written soon.
ASHLAR_FORCE_INLINE void prefetch_for_write(const void* p) { __builtin_prefetch(p, 1, 3); }

/// Hides from the compiler that `value` is still the same. An address that is used twice is then
/// folded into both loads instead of being computed once into a register of its own: one
/// instruction less where every one counts.
template <class T>
ASHLAR_FORCE_INLINE void forget(T& value) {
  __asm__("" : "+r"(value));
}

}  // namespace ashlar
