// SPDX-License-Identifier: MIT
// What lies in front of a guarded block where headers are wanted: the block described in its own
// memory, so that a memory dump can be read with nothing else at hand.
//
//     ... | debug_header | front guard | the program's bytes | back guard | ...
//
// A copy for human eyes: what is known of a block is kept elsewhere, where no overrun reaches it.
// The checksum tells whether anybody wrote here.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/base/bits.hpp"

namespace ashlar {

/// In front of the guard in front of a block. What a debugger finds when it looks there.
struct debug_header {
  static constexpr std::uint64_t live_mark = 0x4556'494c'4853'4141;   // "AASHLIVE" in memory order
  static constexpr std::uint64_t busy_mark = 0x5953'5542'4853'4141;   // "AASHBUSY": being written
  static constexpr std::uint64_t freed_mark = 0x4545'5246'4853'4141;  // "AASHFREE"

  std::uint64_t mark;
  std::uint64_t size;      ///< bytes, as asked for
  std::uint64_t sequence;  ///< blocks are numbered from 1 in the order of their making
  std::uint64_t alignment;
  std::uint32_t site;    ///< of the tracker's: where it was made, and freed once it is
  std::uint32_t thread;  ///< the OS's number of the thread that made it, then freed it
  std::uint16_t tag;
  std::uint16_t guard;     ///< bytes between here and the block
  std::uint32_t checksum;  ///< of the rest, and of where it lies

  /// Returns the checksum of these values in a header at `where`.
  std::uint32_t checksum_at(const debug_header* where) const {
    std::uint64_t s = address_of(where);
    const std::uint64_t words[] = {mark,
                                   size,
                                   sequence,
                                   alignment,
                                   std::uint64_t{site} << 32 | thread,
                                   std::uint64_t{tag} << 16 | guard};
    for (const std::uint64_t word : words) s = (s ^ word) * 0x9e37'79b9'7f4a'7c15, s ^= s >> 29;
    return static_cast<std::uint32_t>(s >> 32);
  }
  /// Whether it is as it was written here.
  bool is_whole() const { return checksum == checksum_at(this); }
};

}  // namespace ashlar
