// SPDX-License-Identifier: MIT
// What an arena is told when it is made. Everything has a default; nothing is fixed at compile
// time.
#pragma once

#include <cstddef>
#include <span>

#include "ashlar/base/block.hpp"
#include "ashlar/base/units.hpp"
#include "ashlar/manager/memory.hpp"
#include "ashlar/manager/source/huge_pages.hpp"

namespace ashlar {

class os_manager;

/// Where an arena's memory lies.
enum class backing : unsigned char {
  reserved,             ///< one range of address space, committed step by step: addresses in a row
  chained,              ///< chunks from an upstream, each larger than the one before
  fixed,                ///< the buffer, and nothing else
  inline_then_chained,  ///< the buffer, and when that is full, chunks
};

/// How the chunks of a chained arena grow: `first` bytes, then each `percent` larger than the one
/// before, up to `cap`. A request above a quarter of `cap` gets a chunk of its own, which leaves
/// the sequence as it is: one large block does not make all later chunks large.
struct arena_growth {
  std::size_t first = 64_KiB;
  unsigned percent = 100;
  std::size_t cap = 1_MiB;
};

struct arena_options {
  static constexpr std::size_t unlimited = static_cast<std::size_t>(-1);

  backing kind = backing::reserved;
  std::size_t reserve = 1_GiB;  ///< reserved: address space, all that will ever fit
  /// What memory is taken in multiples of, a power of two. 0: the OS's page where pages are taken,
  /// and no rounding of chunks.
  std::size_t page_size = 0;
  std::size_t commit_step = 0;  ///< reserved: the least that is committed at a time. 0: 64 KiB
  huge_pages huge = huge_pages::as_system;
  arena_growth growth = {};
  std::size_t limit = unlimited;  ///< of the bytes handed out, alignment gaps included; exact
  std::size_t auto_align = default_alignment;  ///< of pushes that name no alignment
  std::size_t keep = unlimited;                ///< idle bytes that rewind and clear keep for later
  std::span<std::byte> buffer = {};            ///< fixed, inline_then_chained: outlives the arena
  bool buffer_zeroed = false;                  ///< the caller knows that the buffer is all zero
  memory upstream = {};                        ///< chained: gives the chunks. None: the OS
  os_manager* os = nullptr;    ///< reserved: gives the pages. Null: the upstream's, the system's
  const char* name = nullptr;  ///< in the registry; outlives the arena
};

}  // namespace ashlar
