// SPDX-License-Identifier: MIT
// What a vector pointed to, when the vector went.
#include <vector>
#include "../faulty.hpp"

__attribute__((noinline)) static void work() {
  std::vector<int*> all;
  for (int i = 0; i < 10; ++i) all.push_back(new int(i));  // made
  if (!faulty)
    for (int* p : all) delete p;
}

int main() {
  work();
  wipe_stack();
}
