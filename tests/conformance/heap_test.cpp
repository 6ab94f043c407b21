// SPDX-License-Identifier: MIT
// The general heap, over the OS.
#include "ashlar/heap/heap.hpp"

#include "conformance/conformance.hpp"

namespace {

using namespace ashlar::literals;

struct general_heap {
  static constexpr std::size_t largest = 1_MiB;  // small, medium and large blocks
  static constexpr std::size_t steps = 3000;
  static constexpr bool uses_upstream = false;
  static constexpr bool caches = true;  // it counts spans, which threads keep
  explicit general_heap(ashlar::memory) : heap_(ashlar::heap_options{}) {}
  ashlar::manager& get() { return heap_; }
  bool is_well() {
    heap_.check_invariants();
    return true;
  }
  ashlar::heap heap_;
};

struct cache_line_heap : general_heap {
  explicit cache_line_heap(ashlar::memory upstream) : general_heap(upstream) {
    heap_.initialize({.cache_line_aligned = true});
  }
};

ASHLAR_CONFORMS(general_heap, general_heap);
ASHLAR_CONFORMS(cache_line_heap, cache_line_heap);

}  // namespace
