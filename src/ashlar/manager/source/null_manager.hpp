// SPDX-License-Identifier: MIT
// The manager that has nothing: each request is refused.
//
// The end of a chain that must not grow: the secondary of a fallback, the large side of a
// segregator, what code under test is given to see what it does without memory.
// A request that nobody could serve is `too_large` or `bad_alignment`, as everywhere.
// Threads: thread-safe. Cost: nothing.
#pragma once

#include "ashlar/manager/concepts.hpp"

namespace ashlar {

class ASHLAR_EXPORT null_manager : public manager {
 public:
  static constexpr const char* kind_name = "null";
  static constexpr capability promises = capability::thread_safe | capability::bounded;

  constexpr null_manager() noexcept : manager(ops_for<null_manager>, nullptr) {}

  /// Returns `not_enough_memory`, of which 0 bytes would fit.
  allocation allocate(layout request, fit wanted = fit::get_exact) noexcept;
  /// Fault: invalid_free, for anything but an empty block.
  void deallocate(block b, std::size_t alignment = default_alignment) noexcept;
  bool owns(const void*) const noexcept { return false; }
  manager_usage usage() const noexcept { return {.peak_used = 0, .limit = 0, .live_blocks = 0}; }
};

}  // namespace ashlar
