// SPDX-License-Identifier: MIT
// The text of a debug manager's reports: blocks, call stacks, bytes. Allocates nothing.
//
//     ashlar: double free of 0x7f01c0de0040
//       block of 24 bytes at 0x7f01c0de0040, alignment 16, number 7, tag game/ai, thread 4711
//       allocated at:
//         src/world.cpp:112 (void world::load())
//         #0 0x55d0c0de12a4 game+0x12a4 (_ZN5world4loadEv+0x34)
//
// Each report ends with the line of the fault itself, which `report_fault` writes.
#pragma once

#include "ashlar/manager/check/debug_book.hpp"
#include "ashlar/manager/check/debug_options.hpp"
#include "ashlar/os/diagnostic.hpp"

namespace ashlar::detail {

class debug_report {
 public:
  explicit debug_report(const debug_sink& sink) : sink_(sink) {}

  void put(const os::line& line) const noexcept;
  void put(const char* text) const noexcept;

  /// "  block of 24 bytes at ...", one line.
  void put_block(const char* what, const debug_record& r) const noexcept;
  /// "  allocated at:", and the place and the stack of a site.
  void put_site(const char* what, observe::site_id site) const noexcept;
  /// A block with where it was allocated, and freed if it was.
  void put_life(const debug_record& r) const noexcept;
  /// The bytes around `first`, from `begin` to `end` at most, 16 a line; those that differ from
  /// `expected` are counted and marked.
  void put_bytes(const std::byte* begin, const std::byte* end, const std::byte* first,
                 std::uint8_t expected) const noexcept;

 private:
  debug_sink sink_;
};

}  // namespace ashlar::detail
