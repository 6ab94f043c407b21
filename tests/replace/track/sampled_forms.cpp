// SPDX-License-Identifier: MIT
// Every way to ask for memory, sampled always, now and then, and hardly ever: what is to be clear
// is clear, what is to be aligned is aligned, and what cannot be is refused as ever.
#include <errno.h>
#include <malloc.h>
#include <sys/wait.h>

#include <algorithm>

#include "ashlar/track.hpp"
#include "replace/support/check.hpp"

namespace {

using ashlar::track_level;

// Of all kinds of blocks, and none as large as its class but one.
constexpr size_t sizes[] = {24,     500,     5'000,   33'000,  50'001,
                            65'536, 100'001, 200'001, 250'001, 300'001};

bool is_clear(const char* p, size_t size) {
  return std::all_of(p, p + size, [](char c) { return c == 0; });
}

void leave_dirt(size_t size) {
  char* const p = static_cast<char*>(opaque(malloc(size)));
  memset(p, 0x5a, size);
  free(p);
}

void what_calloc_returns_is_clear() {
  for (const size_t size : sizes) {
    for (int i = 0; i < 20; ++i) {
      leave_dirt(size);
      char* const p = static_cast<char*>(opaque(calloc(1, size)));
      expect(is_clear(p, size), "every byte");
      memset(p, 0x5a, size);
      free(p);
    }
  }
}

void what_is_aligned_stays_whole() {
  for (const size_t alignment : {16u, 32u, 64u, 512u, 4'096u, 65'536u, 131'072u}) {
    for (const size_t size : sizes) {
      char* p = static_cast<char*>(opaque(aligned_alloc(alignment, size)));
      expect(reinterpret_cast<uintptr_t>(p) % alignment == 0, "aligned_alloc aligns");
      memset(p, 0x5a, size);
      p = static_cast<char*>(opaque(realloc(p, 2 * size)));
      expect(p[0] == 0x5a && p[size - 1] == 0x5a, "realloc keeps all");
      memset(p, 0x5a, 2 * size);
      void* other = nullptr;
      expect(posix_memalign(&other, alignment, size) == 0, "posix_memalign serves");
      expect(reinterpret_cast<uintptr_t>(other) % alignment == 0, "and aligns");
      expect(p[2 * size - 1] == 0x5a, "blocks do not overlap");
      free(other);
      free(p);
    }
  }
}

void what_cannot_be_aligned_is_refused() {
  void* p = nullptr;
  expect(posix_memalign(&p, 3, 100) == EINVAL && p == nullptr, "not to a multiple of 3");
  for (const size_t alignment : {size_t{0}, size_t{3}, size_t{48}}) {
    errno = 0;
    expect(opaque(aligned_alloc(alignment, 96)) == nullptr && errno == EINVAL, "not a power of 2");
  }
  errno = 0;
  expect(opaque(memalign(size_t{1} << 62, 100)) == nullptr && errno == ENOMEM, "beyond memory");
  errno = 0;
  expect(opaque(calloc(size_t{1} << 40, size_t{1} << 40)) == nullptr && errno == ENOMEM,
         "nor that");
}

// What is aligned beyond a slice has a span, and as many bytes as were asked for.
void a_block_that_does_not_grow_stays() {
  void* const p = opaque(aligned_alloc(131'072, 50'000));
  expect(realloc(p, 50'000) == p, "a block that does not grow stays");
  free(p);
}

void try_all(size_t mean) {
  expect(ashlar::set_tracking({.level = track_level::sampled, .sample_bytes = mean}),
         "sampling begins");
  what_calloc_returns_is_clear();
  what_is_aligned_stays_whole();
  what_cannot_be_aligned_is_refused();
  a_block_that_does_not_grow_stays();
}

}  // namespace

// A process each, for none samples at two rates.
int main() {
  expect_ashlar();
  for (const size_t mean : {size_t{1}, size_t{64} << 10, size_t{1} << 30}) {
    const pid_t child = fork();
    if (child == 0) {
      try_all(mean);
      _exit(0);
    }
    int status = 1;
    expect(waitpid(child, &status, 0) == child && status == 0, "all is as ever");
  }
}
