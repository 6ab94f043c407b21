// SPDX-License-Identifier: MIT
// With overcommit off, the kernel charges what is writable, used or not: the heap must not reserve
// that way.
#include "replace/support/check.hpp"

namespace {

/// Bytes of private writable mappings: what the kernel charges under strict overcommit.
size_t charged_bytes() {
  FILE* const file = fopen("/proc/self/maps", "r");
  expect(file != nullptr, "the kernel tells");
  static char line[1024];
  size_t total = 0;
  while (fgets(line, sizeof(line), file) != nullptr) {
    unsigned long begin = 0;
    unsigned long end = 0;
    char rights[8] = {};
    if (sscanf(line, "%lx-%lx %7s", &begin, &end, rights) == 3 && rights[1] == 'w' &&
        rights[3] == 'p')
      total += end - begin;
  }
  fclose(file);
  return total;
}

}  // namespace

int main() {
  expect_ashlar();
  const size_t start = charged_bytes();
  printf("charged at the start: %zu KiB\n", start >> 10);
  // The heap reserves address space by the gigabyte; charged may be what it has committed only.
  expect(start <= 64u << 20, "reserving is free");
  void* const p = malloc(100u << 20);
  const size_t with = charged_bytes();
  expect(with >= start + (100u << 20), "a block is charged");
  expect(with <= start + (120u << 20), "and little else");
  free(p);
  static void* blocks[100'000];
  for (void*& b : blocks) b = malloc(1000);
  const size_t small = charged_bytes();
  printf("charged with 100 MB in small blocks: %zu KiB\n", small >> 10);
  expect(small <= start + (140u << 20), "committing ahead stays within bounds");
  for (void* b : blocks) free(b);
  return 0;
}
