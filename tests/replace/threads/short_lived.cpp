// SPDX-License-Identifier: MIT
// Four thousand short-lived threads leave no growth: the memory of one serves the next.
#include <pthread.h>

#include "replace/support/check.hpp"

namespace {

constexpr unsigned thread_count = 4000;
constexpr unsigned window = 400;  // threads in each measurement
constexpr unsigned at_a_time = 4;
constexpr unsigned warm = 800 / window;  // windows until all that is reused exists

/// Each thread leaves a few blocks behind, which the main thread frees, and frees others' blocks.
struct exchange {
  void* left_behind[8];
};

void* run(void* argument) {
  auto& e = *static_cast<exchange*>(argument);
  void* blocks[200];
  for (unsigned i = 0; i < 200; ++i) blocks[i] = memset(malloc(20 + i * 15), 1, 20 + i * 15);
  for (void* p : blocks) free(p);
  free(memset(malloc(500'000), 1, 500'000));
  for (void*& p : e.left_behind) {
    free(p);
    p = memset(malloc(300), 2, 300);
  }
  return nullptr;
}

/// Bytes of the heap's own records, from malloc_info's total.
size_t metadata_bytes() {
  static char text[1 << 16];
  FILE* const out = fmemopen(text, sizeof(text), "w");
  expect(malloc_info(0, out) == 0, "malloc_info works");
  fclose(out);
  const char* const total = strstr(text, "<total ");
  const char* const figure = total == nullptr ? nullptr : strstr(total, "metadata=\"");
  expect(figure != nullptr, "it tells of metadata");
  return strtoul(figure + strlen("metadata=\""), nullptr, 10);
}

}  // namespace

int main() {
  expect_ashlar();
  exchange exchanges[at_a_time] = {};
  size_t resident[thread_count / window] = {};
  size_t live[thread_count / window] = {};
  size_t metadata[thread_count / window] = {};
  for (unsigned done = 0; done < thread_count; done += at_a_time) {
    pthread_t threads[at_a_time];
    for (unsigned i = 0; i < at_a_time; ++i)
      expect(pthread_create(&threads[i], nullptr, run, &exchanges[i]) == 0, "a thread");
    for (const pthread_t t : threads) pthread_join(t, nullptr);
    if ((done + at_a_time) % window == 0) {
      resident[done / window] = resident_bytes();
      live[done / window] = mallinfo2().uordblks;
      metadata[done / window] = metadata_bytes();
    }
  }
  for (size_t i = 0; i < thread_count / window; ++i)
    printf("after %4zu threads: resident %zu KiB, metadata %zu KiB, live %zu bytes\n",
           (i + 1) * window, resident[i] >> 10, metadata[i] >> 10, live[i]);
  const size_t last = thread_count / window - 1;
  expect(live[last] <= live[warm] + 4096, "no blocks stay behind");
  // On a loaded machine four threads may first meet late, and each brings bins and slabs of its
  // own: up to some 150 KiB of records and 2 MiB of blocks. Threads that leave their record behind
  // show as 16 KiB times 3,200, which is 50 MiB.
  expect(metadata[last] <= metadata[warm] + (2u << 20), "no records of threads stay behind");
  expect(resident[last] <= resident[warm] + (10u << 20), "resident memory does not grow");
  for (exchange& e : exchanges)
    for (void* p : e.left_behind) free(p);
  return 0;
}
