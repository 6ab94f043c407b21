// SPDX-License-Identifier: MIT
// Which watched blocks does nothing point to any more?
//
// Roots are all writable memory of the process that is not ashlar's own: data of the program and of
// its libraries, stacks and thread-local storage of threads that live (what lies below their stack
// pointers, too), mappings, and the blocks that are not watched; and what was writable once and was
// written to, as sealed data. An
// aligned word whose value lies in a live watched block holds that block, wherever in it it points;
// what a held block contains holds further ones. What is left over is lost. Lost blocks that hang
// on other lost blocks are told apart: freeing those would have freed them too. Of a cycle that
// hangs on nothing else one member counts as lost, the others as hanging on it.
// Conservative: a number may look like a pointer, so a leak may be missed; the other way round only
// where a program hides its pointers.
// Threads: others may run, but wait if they are tracked, or need another slab or a large block; a
// pointer that they move from one place to another meanwhile may be missed, and what one holds that
// ceases to be a sample. Pages that are not in memory are not read, and nothing that is read can
// fault.
#pragma once

namespace ashlar::replace {

/// Scans, and leaves its verdict in the records of all live watched blocks (`standing`).
/// Errors: false if there is no memory for it; the verdicts then mean nothing.
/// `interrupted`: in a signal handler or a copy made by one, where the stack of the thread ends
/// that was interrupted; null: elsewhere.
bool find_leaks(const void* interrupted = nullptr) noexcept;

}  // namespace ashlar::replace
