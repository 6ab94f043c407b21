// SPDX-License-Identifier: MIT
// The option hard_limit holds: ENOMEM above it, and frees make room again. Needs hard_limit=64M.
#include <errno.h>

#include "replace/support/check.hpp"

namespace {

constexpr size_t limit = 64u << 20;

size_t exhaust(size_t size) {
  static void* blocks[2'000'000];
  size_t count = 0;
  errno = 0;
  while ((blocks[count] = malloc(size)) != nullptr) ++count;
  expect(errno == ENOMEM, "errno says why");
  expect(realloc(blocks[0], limit) == nullptr && errno == ENOMEM, "realloc obeys, too");
  expect(calloc(1, limit) == nullptr && errno == ENOMEM, "calloc obeys, too");
  expect(aligned_alloc(4096, limit) == nullptr && errno == ENOMEM, "aligned_alloc obeys, too");
  for (size_t i = 0; i < count; ++i) free(blocks[i]);
  return count * size;
}

}  // namespace

int main() {
  expect_ashlar();
  for (unsigned round = 0; round < 3; ++round) {
    for (const size_t size : {size_t{64}, size_t{5'000}, size_t{100'000}, size_t{3'000'000}}) {
      const size_t got = exhaust(size);
      printf("blocks of %zu: %zu KiB\n", size, got >> 10);
      expect(got <= limit, "never more than the limit");
      expect(got >= limit / 2, "and most of it is usable, again and again");
    }
  }
  return 0;
}
