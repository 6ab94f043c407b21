// SPDX-License-Identifier: MIT
// What is done at odd moments of a thread's or a program's life: all of the family, checked.
#pragma once

#include "replace/support/check.hpp"

/// Allocates, resizes and frees blocks of all kinds and checks what they hold.
inline void churn(unsigned seed) {
  void* kept[24];
  for (unsigned i = 0; i < 24; ++i) {
    const size_t size = size_t{8} << (i % 15);
    void* p = i % 3 == 0 ? calloc(1, size) : malloc(size);
    expect(p != nullptr, "there is memory at this moment too");
    expect(i % 3 != 0 || is_zero(p, size), "calloc clears at this moment too");
    fill(p, size, seed + i);
    if (i % 4 == 1) {
      p = realloc(p, size * 2);
      expect(p != nullptr && is_filled(p, size, seed + i), "realloc keeps contents");
    }
    kept[i] = p;
  }
  for (unsigned i = 0; i < 24; ++i) {
    expect(is_filled(kept[i], size_t{8} << (i % 15), seed + i), "no two blocks overlap");
    free(kept[i]);
  }
  delete[] new char[seed % 1000 + 1];
  free(aligned_alloc(256, 1000));
}
