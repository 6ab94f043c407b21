// SPDX-License-Identifier: MIT
// free_sized and free_aligned_sized, which C23 adds, take back what malloc gave.
#include "replace/support/check.hpp"

extern "C" {
void free_sized(void* p, size_t size) __attribute__((weak));
void free_aligned_sized(void* p, size_t alignment, size_t size) __attribute__((weak));
}

int main() {
  expect_ashlar();
  expect(free_sized != nullptr && free_aligned_sized != nullptr, "both exist");
  const size_t before = mallinfo2().uordblks;
  for (unsigned round = 0; round < 1000; ++round) {
    for (const size_t size : {size_t{0}, size_t{1}, size_t{100}, size_t{5000}, size_t{400'000}}) {
      free_sized(malloc(size), size);
      free_sized(calloc(1, size), size);
      free_sized(realloc(malloc(1), size + 1), size + 1);
      free_aligned_sized(aligned_alloc(4096, size), 4096, size);
    }
  }
  free_sized(nullptr, 100);
  free_aligned_sized(nullptr, 64, 100);
  expect(mallinfo2().uordblks <= before + 100'000, "nothing stays behind");
  return 0;
}
