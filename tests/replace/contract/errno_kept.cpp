// SPDX-License-Identifier: MIT
// free leaves errno alone, whatever it does meanwhile; so does every success.
#include <errno.h>

#include "replace/support/check.hpp"

int main() {
  expect_ashlar();
  for (const size_t size :
       {size_t{1}, size_t{1000}, size_t{50'000}, size_t{2'000'000}, size_t{100'000'000}}) {
    static void* blocks[200];
    const unsigned count = size > 1'000'000 ? 10 : 200;
    errno = 77;
    for (unsigned i = 0; i < count; ++i) blocks[i] = malloc(size);
    expect(errno == 77, "malloc that succeeds leaves errno alone");
    for (unsigned i = 0; i < count; ++i) free(blocks[i]);
    expect(errno == 77, "free leaves errno alone");
    void* p = realloc(calloc(1, size), size * 2);
    expect(errno == 77, "calloc and realloc too");
    p = realloc(p, 0);
    expect(errno == 77, "realloc to nothing too");
    free(aligned_alloc(64, size));
    free(nullptr);
    expect(errno == 77, "aligned_alloc and free of null too");
  }
  (void)malloc_trim(0);
  return 0;
}
