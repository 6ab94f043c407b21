// SPDX-License-Identifier: MIT
// All bytes that malloc_usable_size promises are the caller's own.
#include "replace/support/check.hpp"

namespace {

constexpr unsigned count = 32;
constexpr unsigned count_of_large = 2;  // they have a span each: more neighbours tell no more

/// Neighbours of one size, each filled to its last usable byte.
void check(size_t size) {
  void* blocks[count];
  const unsigned used = size > 100'000 ? count_of_large : count;
  for (unsigned i = 0; i < used; ++i) {
    blocks[i] = malloc(size);
    expect(blocks[i] != nullptr && is_aligned(blocks[i], 16), "16 bytes aligned");
    const size_t usable = malloc_usable_size(blocks[i]);
    expect(usable >= size, "at least what was asked for");
    expect(usable <= size + size / 4 + 4096, "and not absurdly more");
    fill(blocks[i], usable, i);
  }
  for (unsigned i = 0; i < used; ++i) {
    expect(is_filled(blocks[i], malloc_usable_size(blocks[i]), i), "nobody else writes there");
    free(blocks[i]);
  }
}

}  // namespace

int main() {
  expect_ashlar();
  for (size_t size = 1; size <= 2048; ++size) check(size);
  // From 1 MiB on there are only whole pages: fewer sizes do.
  for (size_t size = 2048; size <= 40u << 20; size += size / (size < 1u << 20 ? 7 : 2))
    for (const size_t s : {size - 1, size, size + 1}) check(s);
  void* const p = aligned_alloc(4096, 10);
  memset(p, 1, malloc_usable_size(p));
  free(p);
  return 0;
}
