// SPDX-License-Identifier: MIT
// Whichever function of the family a program or a thread calls first works.
#include <errno.h>
#include <pthread.h>

#include <new>

#include "replace/support/check.hpp"

namespace {

struct entry {
  const char* name;
  bool (*works)();
};

bool is_block(void* p) {
  if (p == nullptr) return false;
  memset(p, 1, 40);
  free(p);
  return true;
}

constexpr entry entries[] = {
    {"malloc", [] { return is_block(malloc(40)); }},
    {"large malloc", [] { return is_block(malloc(3'000'000)); }},
    {"huge malloc", [] { return is_block(malloc(90'000'000)); }},
    {"calloc", [] { return is_block(calloc(4, 10)); }},
    {"realloc", [] { return is_block(realloc(nullptr, 40)); }},
    {"reallocarray", [] { return is_block(reallocarray(nullptr, 4, 10)); }},
    {"aligned_alloc", [] { return is_block(aligned_alloc(4096, 40)); }},
    {"memalign", [] { return is_block(memalign(64, 40)); }},
    {"valloc", [] { return is_block(valloc(40)); }},
    {"pvalloc", [] { return is_block(pvalloc(40)); }},
    {"posix_memalign",
     [] {
       void* p = nullptr;
       return posix_memalign(&p, 32, 40) == 0 && is_block(p);
     }},
    {"operator new", [] { return is_block(::operator new(40)); }},
    {"aligned operator new", [] { return is_block(::operator new (40, std::align_val_t{64})); }},
    {"free", [] { return free(nullptr), true; }},
    {"malloc_usable_size", [] { return malloc_usable_size(nullptr) == 0; }},
    {"malloc_trim", [] { return malloc_trim(0) >= 0; }},
    {"mallinfo2", [] { return mallinfo2().uordblks < 1u << 30; }},
    {"mallopt", [] { return mallopt(M_ARENA_MAX, 1) == 1; }},
    {"too much", [] { return malloc(opaque(SIZE_MAX)) == nullptr && errno == ENOMEM; }},
};

void* run(void* what) {
  const auto& e = *static_cast<const entry*>(what);
  const bool works = e.works() && is_block(malloc(40));
  if (!works) fprintf(stderr, "%s, called first in a thread\n", e.name);
  expect(works, "the first call of a thread works");
  return nullptr;
}

}  // namespace

int main() {
  expect_ashlar();
  for (const entry& e : entries) {
    pthread_t thread;
    expect(pthread_create(&thread, nullptr, run, const_cast<entry*>(&e)) == 0, "a thread");
    expect(pthread_join(thread, nullptr) == 0, "which ends");
  }
  return 0;
}
