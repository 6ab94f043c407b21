// SPDX-License-Identifier: MIT
// posix_memalign returns its error and touches neither errno nor the result.
#include <errno.h>

#include "replace/support/check.hpp"

namespace {

void expect_error(int expected, size_t alignment, size_t size) {
  void* const before = reinterpret_cast<void*>(uintptr_t{0x1234});
  void* result = before;
  errno = 77;
  const int error = posix_memalign(&result, opaque(alignment), opaque(size));
  if (error != expected) fprintf(stderr, "alignment %zu, size %zu: %d\n", alignment, size, error);
  expect(error == expected, "the documented error");
  expect(result == before, "the result is untouched");
  expect(errno == 77, "errno is untouched");
}

}  // namespace

int main() {
  expect_ashlar();
  for (const size_t alignment : {0u, 1u, 2u, 3u, 4u, 7u, 12u, 24u, 100u, 4095u, 4097u, 65'537u})
    expect_error(EINVAL, alignment, 100);
  expect_error(EINVAL, SIZE_MAX, 100);
  expect_error(EINVAL, 3, SIZE_MAX);
  for (const size_t alignment : {size_t{8}, size_t{64}, size_t{4096}, size_t{1} << 30}) {
    expect_error(ENOMEM, alignment, SIZE_MAX);
    expect_error(ENOMEM, alignment, SIZE_MAX - 64);
    expect_error(ENOMEM, alignment, PTRDIFF_MAX);
  }
  expect_error(ENOMEM, size_t{1} << 62, 100);
  expect_error(ENOMEM, size_t{1} << 63, 100);

  errno = 77;
  void* p = nullptr;
  expect(posix_memalign(&p, 8, 100) == 0 && p != nullptr, "the least alignment works");
  expect(errno == 77, "success leaves errno alone");
  free(p);
  return 0;
}
