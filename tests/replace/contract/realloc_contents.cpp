// SPDX-License-Identifier: MIT
// realloc keeps contents up to the smaller size, from every size to every size up to 40 MiB.
#include "replace/support/check.hpp"

namespace {

// Every doubling, its neighbours, and the limits between kinds of blocks.
constexpr size_t largest = 40u << 20;

size_t sizes[256];
unsigned size_count = 0;

void collect_sizes() {
  const auto add = [](size_t size) {
    if (size != 0 && size <= largest) sizes[size_count++] = size;
  };
  for (size_t size = 1; size <= 64u << 20; size *= 2)
    for (const size_t s : {size - 1, size, size + 1, size + size / 2}) add(s);
  add(largest);
}

/// From one size to another, and back.
void check_pair(size_t from, size_t to) {
  const size_t smaller = from < to ? from : to;
  void* p = malloc(from);
  expect(p != nullptr, "there is memory");
  fill(p, from, 1);
  p = realloc(p, to);
  expect(p != nullptr, "it can be resized");
  expect(malloc_usable_size(p) >= to, "it has the new size");
  expect(is_filled(p, smaller, 1), "contents are kept");
  fill(p, to, 2);
  p = realloc(p, from);
  expect(p != nullptr && is_filled(p, smaller, 2), "contents are kept on the way back");
  free(p);
}

/// Many blocks at once, resized at random: none may touch another.
void check_together() {
  constexpr unsigned count = 400;
  random_numbers random(11);
  void* block[count] = {};
  size_t size[count] = {};
  for (unsigned step = 0; step < 40'000; ++step) {
    const auto i = static_cast<unsigned>(random.below(count));
    const size_t wanted = random.size_up_to(step % 50 == 0 ? 2u << 20 : 20'000);
    void* const p = realloc(block[i], wanted);
    expect(p != nullptr, "it can be resized");
    expect(is_filled(p, size[i] < wanted ? size[i] : wanted, i), "contents are kept");
    fill(p, wanted, i);
    block[i] = p;
    size[i] = wanted;
  }
  for (unsigned i = 0; i < count; ++i) {
    expect(is_filled(block[i], size[i], i), "nobody else wrote here");
    free(block[i]);
  }
}

}  // namespace

int main() {
  expect_ashlar();
  collect_sizes();
  for (unsigned i = 0; i < size_count; ++i) {
    for (unsigned k = 0; k < size_count; ++k) {
      // All pairs of what is cheap to fill; for the large ones their neighbours.
      const bool is_cheap = sizes[i] + sizes[k] <= 300'000;
      const bool is_near = i < k && k - i <= 6 && sizes[k] > 100'000;
      if (is_cheap || is_near) check_pair(sizes[i], sizes[k]);
    }
  }
  check_pair(1, largest);
  check_together();
  return 0;
}
