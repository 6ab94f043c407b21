// SPDX-License-Identifier: MIT
// What the files of the faulty program share.
#pragma once

#include <span>

namespace faulty {

struct fault {
  const char* name;  // of the function too, which the tool's report must show
  void (*commit)();
};

/// Hides from the compiler what a pointer points to.
inline volatile char* hidden(void* p) {
  asm volatile("" : "+r"(p));
  return static_cast<volatile char*>(p);
}

/// The faults of heaps and what is built on size classes.
std::span<const fault> heap_faults();
/// Does with heaps what is allowed. Returns whether what was written was still there.
bool heaps_are_well();

/// The faults of pools for many threads and of blocks that move, likewise.
std::span<const fault> sharing_faults();
bool sharing_is_well();

}  // namespace faulty
