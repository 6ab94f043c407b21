// SPDX-License-Identifier: MIT
// The suppressions that a program brings along, as for LeakSanitizer:
//
//     extern "C" const char* __lsan_default_suppressions() { return "leak:third_party_*\n"; }
//
// A program that is linked with the drop-in shows the function to the loader. One that is not shows
// it only if it was linked with -rdynamic, so it is looked up in the program's own table of symbols
// besides; without that (stripped) it is not found.
#pragma once

namespace ashlar::replace {

/// Asks the program, once. Requires: no signal handler, and a program that is loaded.
void ask_for_suppressions() noexcept;

/// Returns what it said; empty if it said nothing or was not asked.
const char* known_suppressions() noexcept;

}  // namespace ashlar::replace
