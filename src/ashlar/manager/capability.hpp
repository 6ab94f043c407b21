// SPDX-License-Identifier: MIT
// What a manager can do beyond allocate and deallocate.
//
// The rule: what a manager cannot do, it does not declare. At compile time a capability is a
// concept (concepts.hpp) that looks for the function; at run time it is a bit, and the entry of the
// table (manager.hpp) that would serve it is null exactly when the bit is missing.
#pragma once

#include <cstdint>

namespace ashlar {

enum class capability : std::uint32_t {
  none = 0,
  // What it does: each has a function in the table.
  zero = 1u << 0,      ///< allocate_zeroed, which knows fresh memory from used
  resize = 1u << 1,    ///< reallocate
  own = 1u << 2,       ///< owns: tells its memory from others'
  size = 1u << 3,      ///< usable_size, and deallocate without a size
  free_all = 1u << 4,  ///< free_all: every block ends, memory goes back to the upstream
  rewind = 1u << 5,    ///< here and rewind
  walk = 1u << 6,      ///< walk: visits the live blocks
  trim = 1u << 7,      ///< trim: gives idle memory back
  // What it is: promises that callers may rely on.
  no_op_deallocate = 1u << 16,  ///< deallocate does nothing: memory comes back all at once
  lifo_only = 1u << 17,         ///< blocks must be freed last first, a fault otherwise: for scopes
                                ///< and single containers, and no upstream of pools
  thread_safe = 1u << 18,       ///< any thread may call at any time
  bounded = 1u << 19,           ///< it never asks anyone for more memory
  is_os = 1u << 20,             ///< it is an os_manager
  serves_new = 1u << 21,        ///< each block is, or lies alone in, one of operator new
};

constexpr capability operator|(capability a, capability b) {
  return static_cast<capability>(static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b));
}
constexpr capability operator&(capability a, capability b) {
  return static_cast<capability>(static_cast<std::uint32_t>(a) & static_cast<std::uint32_t>(b));
}

/// Returns whether `set` has all of `wanted`.
constexpr bool has(capability set, capability wanted) { return (set & wanted) == wanted; }

}  // namespace ashlar
