// SPDX-License-Identifier: MIT
// Reports of the debug level: the line that every fault has, and below it what is known of the
// block.
//
//     ashlar: overrun of 0x7f81c2a04010: bytes behind the block were written to
//       guard behind it, first written to 0 bytes behind its end:
//         0x7f81c2a04028: 00* 5b 91 ...
//       block of 24 bytes, made by malloc in thread 1 (4711) at
//         #0 0x55d0c0de1189 /usr/bin/program+0x1189
//       noticed at
//         ...
//       in front of it: block of 24 bytes at 0x7f81c2a03fe0, live, made by ...
//
// Threads: reports of several threads do not mix, as long as each ends in a second. Nothing here
// allocates; all of it may run in a handler of a signal.
#pragma once

#include "ashlar/hardening/fault.hpp"
#include "ashlar/observe/site_sums.hpp"
#include "ashlar/os/diagnostic.hpp"
#include "ashlar/replace/debug/guarded_heap.hpp"

namespace ashlar::replace {

struct debug_report {
  const void* pointer = nullptr;
  fault_detail detail = {};
  /// The block that it is about: one that lives, or one that was freed.
  guarded_block live = {};
  dead_block dead = {};
  /// Whose neighbours are told, where there is neither.
  const std::byte* around = nullptr;
  /// Bytes that should hold something else, the first that does, and which end they lie at.
  byte_range area = {};
  std::byte* damage = nullptr;
  /// Where the mistake was made, or noticed: empty frames of the program's are left out.
  caller from = {};
  const char* from_words = "  noticed at";
  const char* note = nullptr;  // a further line
  bool ends_anyway = false;    // as of fault_annex
};

void report(fault_kind kind, const debug_report& what) noexcept;
/// Held by who reports, and over forks.
lock& report_lock() noexcept;

/// A live block, wherever it lies.
struct known_block {
  const std::byte* data = nullptr;
  observe::block_facts facts = {};
};
/// Writes `head`, then how many blocks each site made and where, and the first of each. No fault.
void report_blocks(const os::line& head, observe::site_sums<known_block>& sums) noexcept;

/// Reports that a guard of a live block was written to, and makes the guard whole again.
void report_damage(const guarded_block& b, byte_range guard, std::byte* damage,
                   const caller& from) noexcept;

}  // namespace ashlar::replace
