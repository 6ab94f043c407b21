// SPDX-License-Identifier: MIT
// A program with a malloc of its own that stands on glibc's second names, as programs have that
// count or check what they allocate. It stays in front of ours, and ours does not call it back.
#include <malloc.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

namespace {

size_t calls = 0;

}  // namespace

extern "C" {

decltype(malloc) __libc_malloc;
decltype(free) __libc_free;
decltype(calloc) __libc_calloc;
decltype(realloc) __libc_realloc;

void* malloc(size_t size) noexcept {
  ++calls;
  return __libc_malloc(size);
}

void free(void* p) noexcept {
  ++calls;
  __libc_free(p);
}

void* calloc(size_t count, size_t size) noexcept {
  ++calls;
  return __libc_calloc(count, size);
}

void* realloc(void* p, size_t size) noexcept {
  ++calls;
  return __libc_realloc(p, size);
}
}

int main() {
  const size_t before = calls;
  for (size_t size = 1; size < 10'000'000; size *= 3) {
    auto* p = static_cast<char*>(malloc(size));
    if (p == nullptr) return 1;
    memset(p, 1, size);
    // Ours knows the block only if it came from our heap.
    if (malloc_usable_size(p) < size) return 1;
    p = static_cast<char*>(realloc(p, size * 2));
    free(p);
    free(calloc(size, 2));
  }
  char* const copy = strdup("libc itself allocates through the program");
  free(copy);
  return calls - before > 60 ? 0 : 1;
}
