// SPDX-License-Identifier: MIT
// After a burst of 800 MiB is freed, at most 5 % of it is left 2 s later, while the program idles
// along.
#include <time.h>

#include "replace/support/check.hpp"

namespace {

constexpr size_t burst = 800u << 20;
constexpr size_t block_limit = 700'000;

double now() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

/// What an event loop does between events: a few small blocks every 10 ms.
void idle_along(double seconds) {
  const double end = now() + seconds;
  while (now() < end) {
    for (size_t size = 16; size <= 4096; size *= 2) free(memset(malloc(size), 1, size));
    const timespec pause = {0, 10'000'000};
    nanosleep(&pause, nullptr);
  }
}

}  // namespace

int main() {
  expect_ashlar();
  random_numbers random(7);
  auto** const blocks = static_cast<void**>(calloc(block_limit, sizeof(void*)));
  idle_along(0.1);
  const size_t before = resident_bytes();
  size_t count = 0;
  for (size_t total = 0; total < burst; ++count) {
    expect(count < block_limit, "the table of blocks is large enough");
    // Many small ones, most bytes in medium and large ones.
    const size_t size = random.size_up_to(count % 100 == 0 ? 4u << 20 : 8192);
    blocks[count] = memset(malloc(size), 1, size);
    total += size;
  }
  const size_t full = resident_bytes();
  expect(full >= before + burst, "the burst is resident");
  // In mixed order: neighbours do not die together.
  for (size_t i = count; i > 1; --i) {
    const size_t k = random.below(i);
    void* const p = blocks[k];
    blocks[k] = blocks[i - 1];
    free(p);
  }
  free(blocks[0]);
  const size_t freed = resident_bytes();
  idle_along(2.0);
  const size_t after = resident_bytes();
  printf("%zu blocks; before %zu, full %zu, freed %zu, 2 s later %zu MiB\n", count, before >> 20,
         full >> 20, freed >> 20, after >> 20);
  expect(after <= before + (full - before) / 20, "95 % of the burst is back");
  return 0;
}
