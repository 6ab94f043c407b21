// SPDX-License-Identifier: MIT
// Where the compiler's unwind tables of a loaded module lie.
#pragma once

#include <cstdint>

namespace ashlar::os {

/// A module, and its table that says for each address of code how to find that code's caller.
struct unwind_tables {
  /// The module's addresses, in `[code_low, code_high)`.
  std::uintptr_t code_low = 0;
  std::uintptr_t code_high = 0;
  /// The index of the tables (`.eh_frame_hdr`); 0: the module has none.
  std::uintptr_t index = 0;
  /// The part of the module that holds them, all of which can be read: `[low, high)`.
  std::uintptr_t low = 0;
  std::uintptr_t high = 0;
  /// The loader's own record of the module: another one, or none, after it was unloaded.
  std::uintptr_t module = 0;
};

/// Whether the tables of this kind of machine are understood.
#if defined(__x86_64__)
inline constexpr bool understands_unwind_tables = true;
#else
inline constexpr bool understands_unwind_tables = false;
#endif

/// Whether they are, and the loader can be asked for them.
bool has_unwind_tables() noexcept;

/// Finds the module that `code` lies in. Returns false if there is none, or nobody can tell. Cost:
/// a search of the list of modules. Takes no lock and allocates nothing, also in a signal handler.
/// Requires: the module is not being unloaded, as none is whose code is on the caller's stack.
bool find_unwind_tables(std::uintptr_t code, unwind_tables& found) noexcept;

}  // namespace ashlar::os
