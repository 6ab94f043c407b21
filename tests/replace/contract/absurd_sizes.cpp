// SPDX-License-Identifier: MIT
// Sizes that no machine has: null, ENOMEM, and everything stays as it was.
#include <errno.h>

#include "replace/support/check.hpp"

namespace {

/// Every function of the family, as one that takes a size.
struct entry {
  const char* name;
  void* (*call)(size_t size);
};

void* resized(size_t size) {
  void* const p = malloc(100);
  fill(p, 100, 3);
  void* const q = realloc(p, size);
  const int error = errno;
  expect(is_filled(p, 100, 3), "a block that could not be resized keeps its contents");
  free(p);
  errno = error;
  return q;
}

void* resized_large(size_t size) {
  void* const p = malloc(50'000'000);
  fill(p, 4096, 5);
  void* const q = realloc(p, size);
  const int error = errno;
  expect(is_filled(p, 4096, 5), "a large block that could not be resized keeps its contents");
  free(p);
  errno = error;
  return q;
}

constexpr entry entries[] = {
    {"malloc", malloc},
    {"calloc of one", [](size_t n) { return calloc(1, n); }},
    {"calloc of bytes", [](size_t n) { return calloc(n, 1); }},
    {"realloc of null", [](size_t n) { return realloc(nullptr, n); }},
    {"realloc", resized},
    {"realloc of a large block", resized_large},
    {"reallocarray", [](size_t n) { return reallocarray(nullptr, n, 1); }},
    {"aligned_alloc", [](size_t n) { return aligned_alloc(64, n); }},
    {"aligned_alloc of pages", [](size_t n) { return aligned_alloc(1 << 20, n); }},
    {"memalign", [](size_t n) { return memalign(32, n); }},
    {"valloc", valloc},
    {"pvalloc", pvalloc},
};

constexpr size_t sizes[] = {
    PTRDIFF_MAX,
    size_t{PTRDIFF_MAX} + 1,
    size_t{PTRDIFF_MAX} - 1,
    PTRDIFF_MAX - 4095,
    SIZE_MAX,
    SIZE_MAX - 1,
    SIZE_MAX - 7,
    SIZE_MAX - 15,
    SIZE_MAX - 16,
    SIZE_MAX - 4095,
    SIZE_MAX - 4096,
    SIZE_MAX - 65'535,
    SIZE_MAX - 65'536,
    SIZE_MAX / 2 + 4096,
    size_t{1} << 62,
    size_t{1} << 48,
    (size_t{1} << 47) - 1,
};

}  // namespace

int main() {
  expect_ashlar();
  void* const witness = malloc(1000);
  fill(witness, 1000, 9);
  for (const entry& e : entries) {
    for (const size_t size : sizes) {
      errno = 0;
      void* const p = e.call(opaque(size));
      if (p != nullptr || errno != ENOMEM)
        fprintf(stderr, "%s(%zx): errno %d\n", e.name, size, errno);
      expect(p == nullptr, "an absurd size gives null");
      expect(errno == ENOMEM, "an absurd size sets ENOMEM");
    }
  }
  expect(is_filled(witness, 1000, 9), "other blocks are untouched");
  free(witness);
  void* const after = malloc(1000);
  expect(after != nullptr, "the heap serves on");
  free(after);
  return 0;
}
