// SPDX-License-Identifier: MIT
// Allocates a little and says whether the kernel counts the program as privileged. For
// privileged.py.
#include <sys/auxv.h>

#include "replace/support/check.hpp"

int main() {
  free(malloc(1000));
  puts(getauxval(AT_SECURE) != 0 ? "privileged" : "plain");
  return 0;
}
