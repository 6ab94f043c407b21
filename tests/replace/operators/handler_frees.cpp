// SPDX-License-Identifier: MIT
// A new-handler that frees memory makes the request succeed. Needs a hard limit of 512 MiB.
#include <new>

#include "replace/support/check.hpp"

namespace {

void* reserve = nullptr;
unsigned calls = 0;

void release_reserve() {
  ++calls;
  if (reserve == nullptr) std::set_new_handler(nullptr);
  free(reserve);
  reserve = nullptr;
}

}  // namespace

int main() {
  expect_ashlar();
  reserve = malloc(300u << 20);
  expect(reserve != nullptr, "a reserve");
  expect(malloc(300u << 20) == nullptr, "a second one does not fit");
  std::set_new_handler(release_reserve);
  void* const p = ::operator new(300u << 20);
  expect(p != nullptr && calls == 1, "it fits once the handler has freed the first");
  ::operator delete(p);
  return 0;
}
