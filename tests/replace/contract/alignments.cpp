// SPDX-License-Identifier: MIT
// Alignments from 1 byte to 1 GiB, with sizes around each.
#include "replace/support/check.hpp"

namespace {

void check_one(size_t alignment, size_t size) {
  auto* const p = static_cast<char*>(aligned_alloc(alignment, size));
  if (p == nullptr || !is_aligned(p, alignment))
    fprintf(stderr, "alignment %zu, size %zu: %p\n", alignment, size, static_cast<void*>(p));
  expect(p != nullptr, "there is memory");
  expect(is_aligned(p, alignment), "it is aligned");
  expect(malloc_usable_size(p) >= size, "it is large enough");
  if (size != 0) {
    p[0] = 1;
    p[size - 1] = 2;
  }
  free(p);
}

/// Several at a time never overlap, whatever they lie next to.
void check_together(size_t alignment) {
  constexpr unsigned count = 64;
  void* blocks[count];
  for (unsigned i = 0; i < count; ++i) {
    blocks[i] = memalign(alignment, 40 + i);
    expect(is_aligned(blocks[i], alignment), "all are aligned");
    fill(blocks[i], 40 + i, i);
  }
  for (unsigned i = 0; i < count; ++i) expect(is_filled(blocks[i], 40 + i, i), "none overlap");
  for (void* p : blocks) free(p);
}

}  // namespace

int main() {
  expect_ashlar();
  for (size_t alignment = 1; alignment <= size_t{1} << 30; alignment *= 2) {
    for (const size_t size : {size_t{0}, size_t{1}, size_t{100}, size_t{5000}, size_t{300'000}})
      check_one(alignment, size);
    if (alignment <= size_t{1} << 26) {
      for (const size_t size : {alignment - 1, alignment, alignment + 1, alignment * 2 + 8})
        check_one(alignment, size);
    }
    if (alignment <= 65'536 * 4) check_together(alignment);
  }
  // Resizing keeps contents; the alignment is not promised.
  auto* const p = static_cast<char*>(aligned_alloc(1 << 20, 10'000));
  fill(p, 10'000, 3);
  auto* const q = static_cast<char*>(realloc(p, 3'000'000));
  expect(q != nullptr && is_filled(q, 10'000, 3), "an aligned block can be resized");
  free(q);
  return 0;
}
