// SPDX-License-Identifier: MIT
// What the quarantine may hold counts for all threads together: also those that have ended below
// the limit, and never looked at what the others hold.
#include <thread>

#include "replace/support/check.hpp"

namespace {

constexpr size_t block_size = 4000;

void free_blocks(size_t bytes) {
  for (size_t sum = 0; sum < bytes; sum += block_size) {
    void* const p = malloc(block_size);
    expect(p != nullptr, "there is memory");
    free(memset(opaque(p), 1, block_size));
  }
}

}  // namespace

int main() {
  expect_ashlar();
  constexpr size_t limit = 16u << 20;  // as the option says
  const size_t before = resident_bytes();
  for (int i = 0; i < 16; ++i) std::thread(free_blocks, limit - (1u << 20)).join();
  const size_t after = resident_bytes();
  printf("before %zu, after %zu MiB\n", before >> 20, after >> 20);
  expect(after < before + 3 * limit, "all threads together hold what one may");
  return 0;
}
