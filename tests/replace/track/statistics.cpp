// SPDX-License-Identifier: MIT
// What is told of the heap as a whole counts tracked blocks like others. Needs track=full.
#include <malloc.h>

#include "replace/support/check.hpp"

namespace {

size_t in_use() {
  const struct mallinfo2 now = mallinfo2();
  return now.uordblks + now.hblkhd;
}

}  // namespace

int main() {
  expect_ashlar();
  constexpr size_t count = 100;
  constexpr size_t sizes[] = {100, 10'000, 1'000'000};
  static void* blocks[3][count];
  const size_t before = in_use();
  size_t asked = 0;
  for (size_t s = 0; s < 3; ++s) {
    for (void*& each : blocks[s]) {
      each = malloc(sizes[s]);
      expect(each != nullptr, "there is memory");
      asked += sizes[s];
    }
  }
  const size_t held = in_use() - before;
  printf("asked for %zu, in use %zu\n", asked, held);
  expect(held >= asked && held < asked + asked / 8, "tracked blocks are in use");
  for (auto& row : blocks)
    for (void* const each : row) free(each);
  expect(in_use() < before + asked / 8, "and no more when they are freed");
  return 0;
}
