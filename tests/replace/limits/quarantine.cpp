// SPDX-License-Identifier: MIT
// What the quarantine may hold counts for all threads together: also those that have ended below
// the limit, and never looked at what the others hold. And about as much does rest there: threads
// that all find it too full at once do not empty it.
#include <malloc.h>

#include <thread>
#include <vector>

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

// Blocks that rest count as in use.
size_t bytes_in_use() {
  const struct mallinfo2 all = mallinfo2();
  return all.uordblks + all.hblkhd;
}

void free_in_turns() {
  for (size_t i = 0; i < 40000; ++i) {
    void* const p = malloc(i % 500 == 0 ? 300000 : 16 + i % 2000);
    expect(p != nullptr, "there is memory");
    free(opaque(p));
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

  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) threads.emplace_back(free_in_turns);
  for (std::thread& each : threads) each.join();
  const size_t resting = bytes_in_use();
  printf("%zu KiB rest\n", resting >> 10);
  expect(resting > limit / 4 * 3, "what rests is not let go of all at once");
  expect(resting < limit + limit / 4, "no more than may be rests");
  return 0;
}
