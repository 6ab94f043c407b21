// SPDX-License-Identifier: MIT
// Finds an unwinder that reads the compiler's tables, for programs without frame pointers.
//
// The drop-in links libc only, so it loads libunwind (nongnu, libunwind.so.8) where it is
// installed.
// `_Unwind_Backtrace` of libgcc is never used: it takes the loader's lock on each call.
#pragma once

namespace ashlar::replace {

/// Loads libunwind and lets stack walks use it. Returns false if it is not installed, or in a
/// statically linked program. Allocates, through the loader.
bool use_table_unwinder() noexcept;

}  // namespace ashlar::replace
