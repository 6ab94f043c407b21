// SPDX-License-Identifier: MIT
// Makes a failing list of steps small: leaves out halves, quarters, ... single steps, as long as
// the rest still fails.
#pragma once

#include <cstddef>
#include <vector>

namespace ashlar::test {

/// Returns a list that fails and cannot lose any single step, or the best found in `most` attempts.
/// Requires: `fails(steps)`.
template <class Step, class Predicate>
std::vector<Step> shrink(std::vector<Step> steps, Predicate fails, std::size_t most = 2000) {
  std::size_t attempts = 0;
  for (std::size_t length = steps.size() / 2; length != 0;) {
    bool has_shrunk = false;
    for (std::size_t at = 0; at < steps.size() && attempts < most;) {
      std::vector<Step> less = steps;
      const std::size_t end = at + length < less.size() ? at + length : less.size();
      less.erase(less.begin() + static_cast<std::ptrdiff_t>(at),
                 less.begin() + static_cast<std::ptrdiff_t>(end));
      ++attempts;
      if (fails(less)) {
        steps = less;
        has_shrunk = true;
      } else {
        at += length;
      }
    }
    if (attempts >= most) break;
    if (length > 1)
      length /= 2;
    else if (!has_shrunk)
      break;
  }
  return steps;
}

}  // namespace ashlar::test
