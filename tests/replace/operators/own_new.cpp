// SPDX-License-Identifier: MIT
// A program that replaces the plain forms of new and delete, over malloc and free, as it may. The
// other forms are ours, or the standard library's.
#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

#include "replace/support/check.hpp"

void* operator new(std::size_t size) {
  if (void* const p = std::malloc(size)) return p;
  throw std::bad_alloc();
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }

int main() {
  expect_ashlar();
  std::vector<int> numbers(10'000);
  for (int& each : numbers) each = std::rand();
  std::stable_sort(numbers.begin(), numbers.end());  // asks for memory by the nothrow form
  expect(std::is_sorted(numbers.begin(), numbers.end()), "sorted");
  delete new (std::nothrow) int(7);
  auto* const words = new long[100];
  delete[] words;
  const auto shared = std::make_shared<std::vector<int>>(numbers);
  expect(shared->size() == 10'000, "all there");
  return 0;
}
