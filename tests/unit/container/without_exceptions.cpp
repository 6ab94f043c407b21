// SPDX-License-Identifier: MIT
#include "without_exceptions.hpp"

#include "ashlar/small_vector.hpp"
#include "ashlar/unique.hpp"
#include "ashlar/vector.hpp"
#include "ashlar/vm_vector.hpp"

namespace ashlar::test {

namespace {

// A type that no other file fills a container with: each instance is compiled with one set of
// flags.
struct number {
  int value;
};

}  // namespace

status fill_until_refused(memory from) {
  const unique<number> one = make_unique<number>(from, 7);
  small_vector<number, 4> numbers(from);
  vm_vector<number> copies(1'000'000);
  status reason = status::success;
  while ((reason = numbers.try_push_back(*one)) == status::success)
    copies.push_back(numbers.back());
  return copies.size() == numbers.size() ? reason : status::unsupported;
}

void push_until_the_end(memory from) {
  for (vector<number> v(from);;) v.push_back({1});
}

}  // namespace ashlar::test
