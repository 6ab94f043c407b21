// SPDX-License-Identifier: MIT
// From an address of code to its rule, by the unwind tables of its module.
//
// A module's index (`.eh_frame_hdr`) is a sorted list of functions, each with its record (FDE),
// which names the record of its unit (CIE). Both hold a little program; see cfi_program.hpp.
//
//   index   version, 3 encodings, start of the records, count, {function, FDE} * count
//   CIE     length, 0, version, augmentation, alignments, register of the return address, ...
//   FDE     length, distance to its CIE, function, size, ...
//
// Threads: thread-safe. Cost: a binary search and a run of two programs. Every read is checked
// against the segment that the tables lie in: broken ones give the rule `unknown`, or a wrong one.
// Source: Linux Standard Base 5.0, 10.6.
#pragma once

#include <cstdint>

#include "ashlar/observe/unwind/frame_rule.hpp"
#include "ashlar/os/unwind_tables.hpp"

namespace ashlar::observe {

/// Returns the rule that holds at the instruction that `code` lies in.
frame_rule search_tables(const os::unwind_tables& tables, std::uintptr_t code) noexcept;

}  // namespace ashlar::observe
