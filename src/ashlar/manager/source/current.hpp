// SPDX-License-Identifier: MIT
// The manager of a thread: what containers use when nobody names a manager.
//
//     ashlar::use_manager scope(level_heap);
//     load_textures();   // every container made in here takes its memory from level_heap
//
// Captured once, when a container is made: a scope that ends later changes nothing for it.
// Threads: each has its own.
#pragma once

#include "ashlar/manager/memory.hpp"

namespace ashlar {

/// Returns the manager that this thread uses where nobody names one: the default argument of
/// containers, which keep it. The default manager (operator new), unless a `use_manager` is open.
ASHLAR_EXPORT memory current() noexcept;

/// Makes a manager the current one of this thread for a scope; an empty handle: the default one.
/// Scopes nest, and end in the opposite order. The manager must outlive the scope, and whatever was
/// made in it.
class [[nodiscard]] use_manager {
 public:
  ASHLAR_EXPORT explicit use_manager(memory m) noexcept;
  ASHLAR_EXPORT ~use_manager();
  use_manager(const use_manager&) = delete;
  use_manager& operator=(const use_manager&) = delete;

 private:
  manager* previous_;
};

}  // namespace ashlar
