// SPDX-License-Identifier: MIT
// errno is zero when a program starts, as the C standard says, though the library has tried in vain
// to publish its record.
#include <errno.h>

#include "replace/support/check.hpp"

namespace {

// A constructor of the program runs after those of the library, and before the rest of libstdc++.
int at_start = -1;
__attribute__((constructor)) void note() { at_start = errno; }

}  // namespace

int main() {
  expect(at_start == 0, "errno is zero");
  expect_ashlar();
  return 0;
}
