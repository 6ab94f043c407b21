// SPDX-License-Identifier: MIT
// A block that grows step by step keeps its contents and is rarely moved.
#include "replace/support/check.hpp"

namespace {

/// Grows in steps to `limit` and returns how often the block moved.
unsigned moves_while_growing(size_t from, size_t limit, size_t step) {
  unsigned moves = 0;
  auto* p = static_cast<unsigned char*>(malloc(from));
  for (size_t size = from; size < limit; size += step) {
    for (size_t i = size - step; i < size && size != from; i += 97)
      p[i] = static_cast<unsigned char>(i);
    auto* const q = static_cast<unsigned char*>(realloc(p, size + step));
    expect(q != nullptr, "it can grow");
    moves += p != q;
    p = q;
  }
  for (size_t size = from + step; size < limit; size += step)
    for (size_t i = size - step; i < size; i += 97)
      expect(p[i] == static_cast<unsigned char>(i), "contents are kept through all moves");
  free(p);
  return moves;
}

}  // namespace

int main() {
  expect_ashlar();
  // Inside of its class, a block stays where it is.
  void* const p = malloc(1000);
  expect(realloc(p, 1020) == p && realloc(p, 900) == p, "small changes are in place");
  free(p);

  // 64 MiB in steps of 64 KiB are a thousand steps: where neighbours allow, in place.
  const unsigned large = moves_while_growing(300'000, 64u << 20, 65'536);
  printf("64 MiB in steps of 64 KiB: %u moves\n", large);
  expect(large <= 64, "large blocks grow in place, or with their pages moved");
  const unsigned huge = moves_while_growing(40u << 20, 400u << 20, 8u << 20);
  printf("400 MiB in steps of 8 MiB: %u moves\n", huge);

  // Shrinking a large block gives the rest back and does not move it.
  auto* const wide = static_cast<unsigned char*>(malloc(20u << 20));
  fill(wide, 1u << 20, 3);
  auto* const narrow = static_cast<unsigned char*>(realloc(wide, 1u << 20));
  expect(narrow == wide && is_filled(narrow, 1u << 20, 3), "a large block shrinks in place");
  free(narrow);
  return 0;
}
