// SPDX-License-Identifier: MIT
// release_at_exit comes after all destructors: those of the program, and of libraries.
#include "replace/support/check.hpp"

const char* word_of_library();

namespace {

__attribute__((destructor)) void end_of_program() { puts("the program's destructor"); }

}  // namespace

int main() {
  expect_ashlar();
  expect(strlen(word_of_library()) > 15, "the library's word is on the heap");
  expect(atexit([] { puts("atexit"); }) == 0, "a handler");
  return 0;
}
