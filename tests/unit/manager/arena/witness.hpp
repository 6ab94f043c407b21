// SPDX-License-Identifier: MIT
// An object that tells when it ends.
#pragma once

#include <vector>

namespace ashlar::test {

/// Tells the list in which order it ended.
struct witness {
  std::vector<int>* ended;
  int number;
  witness(std::vector<int>& list, int n) : ended(&list), number(n) {}
  ~witness() { ended->push_back(number); }
};

}  // namespace ashlar::test
