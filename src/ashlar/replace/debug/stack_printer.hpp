// SPDX-License-Identifier: MIT
// Prints stacks as raw lines, which a tool turns into names and lines of source:
//
//     #0 0x55d0c0de1189 /usr/bin/program+0x1189
//
// The offset counts from where the file begins in memory: what addr2line asks for, of a program
// that may lie anywhere. Addresses are those behind the calls. Nothing here allocates.
#pragma once

#include "ashlar/observe/site_table.hpp"
#include "ashlar/observe/stack_walk.hpp"

namespace ashlar::replace {

/// Requires: one at a time; see `report_lock`.
void print_stack(const std::uintptr_t* frames, std::uint32_t count) noexcept;
/// The place of a site, where the API carried it, and its stack.
void print_site(observe::site_id site) noexcept;
/// The stack of the calling thread from `from` outwards.
void print_stack_from(const observe::caller& from) noexcept;

}  // namespace ashlar::replace
