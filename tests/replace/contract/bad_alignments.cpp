// SPDX-License-Identifier: MIT
// aligned_alloc and memalign refuse what is no power of two: null and EINVAL.
#include <errno.h>

#include "replace/support/check.hpp"

int main() {
  expect_ashlar();
  for (const size_t alignment :
       {size_t{0}, size_t{3}, size_t{5}, size_t{6}, size_t{7}, size_t{12}, size_t{24}, size_t{48},
        size_t{4095}, size_t{4097}, size_t{65'537}, SIZE_MAX, SIZE_MAX - 1, SIZE_MAX / 2}) {
    errno = 0;
    expect(aligned_alloc(opaque(alignment), 100) == nullptr && errno == EINVAL, "aligned_alloc");
    errno = 0;
    expect(memalign(opaque(alignment), 100) == nullptr && errno == EINVAL, "memalign");
  }
  // A size that is no multiple of the alignment is fine since C17.
  void* const p = aligned_alloc(256, opaque(size_t{100}));
  expect(p != nullptr && is_aligned(p, 256), "any size goes with any alignment");
  free(p);
  for (const size_t alignment : {size_t{1}, size_t{2}, size_t{4}, size_t{8}}) {
    void* const q = aligned_alloc(alignment, 100);
    expect(q != nullptr && is_aligned(q, 16), "small alignments give the standard one");
    free(q);
  }
  return 0;
}
