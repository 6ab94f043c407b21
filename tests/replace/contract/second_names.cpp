// SPDX-License-Identifier: MIT
// glibc's second names for its functions, __libc_malloc and so on, lead to the same heap: blocks of
// one name are freed by the other.
#include <errno.h>

#include "replace/support/check.hpp"

extern "C" {
decltype(malloc) __libc_malloc;
decltype(free) __libc_free;
decltype(calloc) __libc_calloc;
decltype(realloc) __libc_realloc;
decltype(memalign) __libc_memalign;
decltype(valloc) __libc_valloc;
decltype(pvalloc) __libc_pvalloc;
decltype(mallopt) __libc_mallopt;
}

int main() {
  expect_ashlar();
  for (const size_t size : {size_t{0}, size_t{100}, size_t{40'000}, size_t{1'000'000}}) {
    free(__libc_malloc(size));
    __libc_free(malloc(size));
    void* const zeroed = __libc_calloc(size, 3);
    expect(is_zero(zeroed, size * 3), "calloc clears");
    void* const grown = realloc(zeroed, size * 4 + 1);
    free(__libc_realloc(grown, size + 1));
    void* const aligned = __libc_memalign(512, size);
    expect(is_aligned(aligned, 512), "memalign aligns");
    free(aligned);
    free(__libc_valloc(size));
    free(__libc_pvalloc(size));
  }
  __libc_free(nullptr);
  errno = 0;
  expect(__libc_malloc(opaque(SIZE_MAX)) == nullptr && errno == ENOMEM, "errors are the same");
  expect(__libc_mallopt(M_ARENA_MAX, 1) == 1, "mallopt is accepted");
  return 0;
}
