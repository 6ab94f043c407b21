// SPDX-License-Identifier: MIT
// Under RLIMIT_AS the heap works, refuses with ENOMEM, and serves again after frees. Argument: MiB.
#include <errno.h>
#include <sys/resource.h>

#include "replace/support/check.hpp"

namespace {

struct piece {
  piece* next;
  size_t size;
};

/// Takes blocks of one size until there are no more. Returns how many bytes it got.
size_t exhaust(size_t size, piece*& list) {
  size_t total = 0;
  while (true) {
    errno = 0;
    auto* const p = static_cast<piece*>(malloc(size));
    if (p == nullptr) break;
    memset(p, 1, size < 4096 ? size : 4096);
    *p = {list, size};
    list = p;
    total += size;
  }
  expect(errno == ENOMEM, "errno says why");
  return total;
}

void release(piece* list) {
  for (piece* next = nullptr; list != nullptr; list = next) {
    next = list->next;
    free(list);
  }
}

}  // namespace

int main(int, char** arguments) {
  expect_ashlar();
  // The test's shell sets the limit (ulimit -v), so that it holds from the first system call on.
  const size_t limit = strtoul(arguments[1], nullptr, 10) << 20;
  rlimit set;
  expect(getrlimit(RLIMIT_AS, &set) == 0 && set.rlim_cur == limit, "the limit is in force");
  for (const size_t size : {size_t{100}, size_t{20'000}, size_t{300'000}, size_t{5'000'000}}) {
    piece* list = nullptr;
    const size_t first = exhaust(size, list);
    expect(calloc(1, limit) == nullptr && realloc(nullptr, limit) == nullptr, "full is full");
    release(list);
    list = nullptr;
    malloc_trim(0);
    const size_t second = exhaust(size, list);
    release(list);
    printf("blocks of %zu: %zu MiB, after freeing all %zu MiB\n", size, first >> 20, second >> 20);
    expect(first >= limit / 2, "at least half of the limit can be used");
    expect(second >= first / 10 * 9, "what was freed can be had again");
    malloc_trim(0);
  }
  void* const p = malloc(limit / 3);
  expect(p != nullptr, "in one piece, too");
  free(p);
  return 0;
}
