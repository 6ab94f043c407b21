// SPDX-License-Identifier: MIT
// The default manager: a thin wrapper over operator new and delete.
//
// What stands behind it is whatever the program has: the compiler's allocator, or ashlar when
// libashlar-malloc is linked or preloaded. Its sizes are exact; it knows nothing of its blocks, and
// tells no wrong pointer from a right one. A new-handler is called, as by any operator new; what it
// throws becomes `no_memory`.
// Its tag is that of blocks which the thread has no tag for. Threads: thread-safe. Cost: operator
// new's.
#pragma once

#include "ashlar/manager/concepts.hpp"

namespace ashlar {

class ASHLAR_EXPORT new_manager : public manager {
 public:
  static constexpr const char* kind_name = "new";
  static constexpr capability promises = capability::thread_safe | capability::serves_new;

  constexpr new_manager() noexcept : manager(ops_for<new_manager>, nullptr) {}
  explicit new_manager(const char* name) noexcept : new_manager() { join_registry(name); }
  ~new_manager() { leave_registry(); }

  allocation allocate(layout request, fit wanted = fit::get_exact) noexcept;
  void deallocate(block b, std::size_t alignment = default_alignment) noexcept;
  /// Counts nothing: all figures are unknown.
  manager_usage usage() const noexcept {
    return {.used = manager_usage::unknown, .held = manager_usage::unknown};
  }
};

/// Returns the one that lives as long as the process.
ASHLAR_EXPORT manager& default_manager() noexcept;

}  // namespace ashlar
