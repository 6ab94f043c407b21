// SPDX-License-Identifier: MIT
// calloc and reallocarray: products that do not fit give null and ENOMEM.
#include <errno.h>

#include "replace/support/check.hpp"

namespace {

struct factors {
  size_t count;
  size_t size;
};

// All wrap around to something small.
constexpr factors overflowing[] = {
    {SIZE_MAX, 2},           {2, SIZE_MAX},
    {SIZE_MAX / 2 + 1, 2},   {size_t{1} << 32, size_t{1} << 32},
    {SIZE_MAX / 16 + 2, 16}, {SIZE_MAX, SIZE_MAX},
    {3, SIZE_MAX / 3 + 1},   {(size_t{1} << 33) + 1, (size_t{1} << 31)},
};

}  // namespace

int main() {
  expect_ashlar();
  char* const kept = static_cast<char*>(malloc(64));
  fill(kept, 64, 1);
  for (const factors& f : overflowing) {
    errno = 0;
    expect(calloc(opaque(f.count), opaque(f.size)) == nullptr && errno == ENOMEM, "calloc refuses");
    errno = 0;
    expect(reallocarray(nullptr, opaque(f.count), opaque(f.size)) == nullptr && errno == ENOMEM,
           "reallocarray of null refuses");
    errno = 0;
    expect(
        reallocarray(opaque(kept), opaque(f.count), opaque(f.size)) == nullptr && errno == ENOMEM,
        "reallocarray refuses");
    expect(is_filled(kept, 64, 1), "the block is unchanged");
  }
  char* const grown = static_cast<char*>(reallocarray(kept, 100, 30));
  expect(grown != nullptr && is_filled(grown, 64, 1),
         "reallocarray resizes where the product fits");
  expect(malloc_usable_size(grown) >= 3000, "to the product");
  free(grown);
  char* const array = static_cast<char*>(calloc(100, 30));
  expect(array != nullptr && is_zero(array, 3000), "calloc clears the product");
  free(array);
  return 0;
}
