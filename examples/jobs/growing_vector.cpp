// SPDX-License-Identifier: MIT
// Job 4: a vector that grows and grows, and never moves an element.
#include <ashlar/vm_vector.hpp>

#include <cstdio>

int main() {
  ashlar::vm_vector<long> numbers(1'000'000'000);  // address space for so many, and no memory yet
  const long& first = numbers.emplace_back(7);
  for (long i = 1; i < 1'000'000; ++i) numbers.push_back(i);
  std::printf("%ld is where it was: %s\n", first, &first == numbers.data() ? "yes" : "no");
}
