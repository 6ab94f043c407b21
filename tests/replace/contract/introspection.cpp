// SPDX-License-Identifier: MIT
// mallinfo2, malloc_info, malloc_stats, malloc_trim and mallopt answer as glibc's do.
#include <errno.h>
#include <fcntl.h>

#include "replace/support/check.hpp"

namespace {

void check_mallinfo() {
  const struct mallinfo2 before = mallinfo2();
  void* const large = malloc(5'000'000);
  void* const small = malloc(1000);
  const struct mallinfo2 with = mallinfo2();
  expect(with.uordblks + with.hblkhd >= before.uordblks + before.hblkhd + 5'001'000,
         "what is live counts as in use");
  expect(with.hblks == before.hblks + 1 && with.hblkhd >= before.hblkhd + 5'000'000,
         "large blocks count apart");
  expect(with.uordblks < before.uordblks + 1'000'000, "and not twice");
  expect(with.arena == with.uordblks + with.fordblks, "what is not in use is free");
  free(large);
  free(small);
  const struct mallinfo2 after = mallinfo2();
  expect(after.uordblks < with.uordblks, "what is freed counts no more");
  expect(after.hblks == before.hblks && after.hblkhd == before.hblkhd, "nor do large blocks");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  expect(mallinfo().hblks == static_cast<int>(after.hblks), "mallinfo is the same, narrower");
#pragma GCC diagnostic pop
}

void check_malloc_info() {
  static char text[1 << 18];
  FILE* const out = fmemopen(text, sizeof(text), "w");
  expect(malloc_info(0, out) == 0, "malloc_info works");
  fclose(out);
  expect(strncmp(text, "<malloc version=\"", 17) == 0, "XML begins");
  expect(strstr(text, "</malloc>\n") != nullptr, "and ends");
  expect(malloc_info(1, stderr) == EINVAL, "options are not known yet, as in glibc");
}

/// malloc_stats writes one line to stderr, without allocating.
void check_malloc_stats() {
  int ends[2];
  expect(pipe(ends) == 0, "a pipe");
  const int kept = dup(STDERR_FILENO);
  dup2(ends[1], STDERR_FILENO);
  malloc_stats();
  dup2(kept, STDERR_FILENO);
  char text[1024] = {};
  const ssize_t size = read(ends[0], text, sizeof(text) - 1);
  expect(size > 0 && text[size - 1] == '\n' && strstr(text, "live ") != nullptr, "one line");
  close(ends[0]);
  close(ends[1]);
  close(kept);
}

void check_trim() {
  constexpr unsigned count = 20'000;
  static void* blocks[count];
  for (void*& p : blocks) {
    p = malloc(4000);
    memset(p, 1, 4000);
  }
  const size_t full = resident_bytes();
  for (void* p : blocks) free(p);
  (void)malloc_trim(0);
  const size_t trimmed = resident_bytes();
  expect(trimmed + 70'000'000 <= full, "malloc_trim gives free memory back");
  (void)malloc_trim(1 << 20);
  (void)malloc_trim(SIZE_MAX);
}

}  // namespace

int main() {
  expect_ashlar();
  check_mallinfo();
  check_malloc_info();
  check_malloc_stats();
  check_trim();
  expect(mallopt(M_MMAP_THRESHOLD, 1 << 20) == 1, "mallopt is accepted");
  expect(mallopt(M_ARENA_MAX, 1) == 1 && mallopt(-12'345, 7) == 1, "whatever it asks for");
  return 0;
}
