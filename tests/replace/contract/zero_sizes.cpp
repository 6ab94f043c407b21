// SPDX-License-Identifier: MIT
// Zero bytes are a request like any other: a unique pointer that may be freed.
#include "replace/support/check.hpp"

int main() {
  expect_ashlar();
  void* const a = malloc(opaque(size_t{0}));
  void* const b = malloc(opaque(size_t{0}));
  expect(a != nullptr && b != nullptr && a != b, "malloc(0) gives unique blocks");
  void* const c = calloc(opaque(size_t{0}), 8);
  void* const d = calloc(8, opaque(size_t{0}));
  expect(c != nullptr && d != nullptr && c != d, "calloc of nothing gives unique blocks");
  void* const e = aligned_alloc(4096, opaque(size_t{0}));
  expect(e != nullptr && is_aligned(e, 4096), "aligned_alloc of nothing is aligned");
  void* f = nullptr;
  expect(posix_memalign(&f, 256, opaque(size_t{0})) == 0 && f != nullptr,
         "posix_memalign(0) works");
  void* const g = realloc(nullptr, opaque(size_t{0}));
  expect(g != nullptr, "realloc of null with 0 is malloc(0)");
  void* const h = valloc(opaque(size_t{0}));
  void* const i = pvalloc(opaque(size_t{0}));
  expect(h != nullptr && i != nullptr && h != i, "valloc(0) and pvalloc(0) give unique blocks");
  for (void* p : {a, b, c, d, e, f, g, h, i}) free(p);

  expect(realloc(malloc(100), opaque(size_t{0})) == nullptr, "realloc to 0 frees, as in glibc");
  expect(malloc_usable_size(nullptr) == 0, "null has no usable bytes");
  free(nullptr);
  return 0;
}
