// SPDX-License-Identifier: MIT
// With nearly all mappings of the process used up, the heap works on, and frees what it has.
#include <errno.h>
#include <sys/mman.h>

#include "replace/support/check.hpp"

namespace {

constexpr size_t page = 4096;
constexpr size_t block_limit = 100'000;
void* blocks[block_limit];

/// Uses up the process's mappings: every second page of an area gets other rights than its
/// neighbours, which makes each a mapping of its own. Returns how many it made.
size_t use_up_mappings() {
  constexpr size_t pages = 1 << 20;
  auto* const area = static_cast<char*>(
      mmap(nullptr, pages * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  expect(area != MAP_FAILED, "an area");
  for (size_t i = 0; i < pages; i += 2)
    if (mprotect(area + i * page, page, PROT_READ) != 0) return i;
  return pages;
}

/// Allocates blocks of all kinds until memory or the table is full; all that it gets is usable.
size_t fill_table(size_t bytes_limit) {
  random_numbers random(3);
  size_t count = 0;
  for (size_t total = 0; count < block_limit && total < bytes_limit; ++count) {
    const size_t size = random.size_up_to(count % 64 == 0 ? 50u << 20 : 100'000);
    blocks[count] = malloc(size);
    if (blocks[count] == nullptr) {
      expect(errno == ENOMEM, "what cannot be had says why");
      break;
    }
    memset(blocks[count], 1, size < page ? size : page);
    total += size;
  }
  return count;
}

}  // namespace

int main() {
  expect_ashlar();
  void* const before = malloc(1000);
  fill(before, 1000, 4);
  const size_t made = use_up_mappings();
  if (made >= 1 << 20) {
    printf("this machine allows more mappings than the test can use up\n");
    return 77;
  }
  for (unsigned round = 0; round < 5; ++round) {
    const size_t count = fill_table(600u << 20);
    printf("%zu mappings made; round %u: %zu blocks\n", made, round, count);
    // Small blocks come from regions that are reserved already: some thousands can always be had.
    expect(count >= 1000, "the heap works on");
    for (size_t i = 0; i < count; i += 2) free(blocks[i]);
    for (size_t i = 0; i < count; i += 2) {
      blocks[i] = malloc(200);
      expect(blocks[i] != nullptr, "small blocks can be had");
    }
    for (size_t i = 0; i < count; ++i) free(blocks[i]);
    malloc_trim(0);
  }
  expect(is_filled(before, 1000, 4), "older blocks are whole");
  free(before);
  return 0;
}
