// SPDX-License-Identifier: MIT
// calloc gives zeros, whatever its memory was used for before.
#include "replace/support/check.hpp"

namespace {

constexpr size_t sizes[] = {1,
                            8,
                            16,
                            24,
                            100,
                            1000,
                            1025,
                            4096,
                            10'000,
                            32'768,
                            32'769,
                            65'536,
                            100'000,
                            262'144,
                            262'145,
                            1u << 20,
                            5'000'000,
                            32u << 20,
                            (32u << 20) + 1,
                            40u << 20};

/// Writes into every byte that a block has, also into those beyond what was asked for.
void soil(void* p) { memset(p, 0xa5, malloc_usable_size(p)); }

void check_after(const char* what, size_t size) {
  void* const p = calloc(1, size);
  expect(p != nullptr, "there is memory");
  if (!is_zero(p, size)) fprintf(stderr, "%zu bytes %s\n", size, what);
  expect(is_zero(p, size), "every byte is zero");
  soil(p);
  free(p);
}

void check(size_t size) {
  check_after("of fresh memory", size);
  check_after("of a block that calloc gave before", size);
  void* const p = malloc(size);
  soil(p);
  free(p);
  check_after("of a freed block", size);

  void* const grown = realloc(calloc(1, size), size * 2 + 100);
  expect(is_zero(grown, size), "what calloc cleared stays so when it grows");
  soil(grown);
  void* const shrunk = realloc(grown, size);
  soil(shrunk);
  free(shrunk);
  check_after("of a block that was resized", size);

  void* const aligned = aligned_alloc(8192, size);
  soil(aligned);
  free(aligned);
  check_after("of an aligned block", size);
  malloc_trim(0);
  check_after("of memory that was given back", size);
}

/// Blocks freed between others, so that spans of used and unused memory come to lie together.
void check_patchwork() {
  constexpr unsigned count = 300;
  random_numbers random(5);
  void* blocks[count] = {};
  size_t used[count] = {};
  for (unsigned step = 0; step < 5'000; ++step) {
    const auto i = static_cast<unsigned>(random.below(count));
    free(blocks[i]);
    used[i] = random.size_up_to(step % 20 == 0 ? 3u << 20 : 9'000);
    blocks[i] = calloc(used[i], 1);
    expect(is_zero(blocks[i], used[i]), "every byte is zero");
    memset(blocks[i], 0x5a, used[i]);
  }
  for (void* p : blocks) free(p);
}

}  // namespace

int main() {
  expect_ashlar();
  for (const size_t size : sizes) check(size);
  check_patchwork();
  return 0;
}
