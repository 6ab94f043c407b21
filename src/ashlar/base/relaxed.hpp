// SPDX-License-Identifier: MIT
// Loads and stores of words that other threads may read at the same time, without any order.
//
// The hot paths read words that another thread may be changing (the page map), and write words that
// another thread may be reading (a bin's fill level, for statistics). Aligned words never tear on
// the platforms that we support, so a plain access does; it also lets the compiler fold the load
// into the arithmetic, which std::atomic in GCC does not. ThreadSanitizer is told the truth.
#pragma once

#include "ashlar/base/macros.hpp"

namespace ashlar {

template <class T>
ASHLAR_FORCE_INLINE T load_relaxed(const T& word) {
#if ASHLAR_TSAN
  // The forms for any type: an enumeration will do for GCC's `_n`, and not for clang's.
  T value;
  __atomic_load(&word, &value, __ATOMIC_RELAXED);
  return value;
#else
  return word;
#endif
}

template <class T>
ASHLAR_FORCE_INLINE void store_relaxed(T& word, T value) {
#if ASHLAR_TSAN
  __atomic_store(&word, &value, __ATOMIC_RELAXED);
#else
  word = value;
#endif
}

template <class T>
ASHLAR_FORCE_INLINE void store_release(T& word, T value) {
  __atomic_store(&word, &value, __ATOMIC_RELEASE);
}

}  // namespace ashlar
