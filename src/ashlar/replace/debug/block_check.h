// SPDX-License-Identifier: MIT
// Asks the drop-in malloc, at the level `track=debug`, to look at every block now. C11.
//
//     if (ashlar_check_blocks && ashlar_check_blocks() != 0) ...
//
// Weak: the name is null in a program that runs without libashlar-malloc.
#pragma once

#include <stddef.h>

#if defined(__cplusplus)
extern "C" {
#endif

/// Looks at the guards of all live blocks and at all freed blocks in the quarantine, and reports
/// those that were written to where they should not have been, each once. Returns how many; 0 at
/// other levels. With the option `faults=abort`, the standard, the first report is the last.
/// Threads: thread-safe. Cost: all blocks are read.
size_t ashlar_check_blocks(void) __attribute__((weak));

#if defined(__cplusplus)
}
#endif
