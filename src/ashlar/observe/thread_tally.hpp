// SPDX-License-Identifier: MIT
// What each thread counts: births and deaths of blocks by site, and what its tags hold.
//
// Cells belong to one thread and are written without any lock or atomic operation; readers sum the
// cells of all threads. A block may die in another thread than it was born in: then one thread's
// cell counts more deaths than births, and the sum is right. When a thread ends, its cells are
// added to those of the ended threads and used again; what remains of it is its summary.
//
// Invariants: (1) for each site, births - deaths over all cells = live blocks; (2) for each tag,
// published + pending over all cells = bytes of live blocks that carry it.
// Threads: cells: the owner writes, anybody reads (each number is whole, several need not fit
// together). Lists and the cells of ended threads: the tracker's lock.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/base/relaxed.hpp"
#include "ashlar/observe/growing_table.hpp"
#include "ashlar/observe/site_table.hpp"
#include "ashlar/observe/tag_table.hpp"
#include "ashlar/observe/unwind/last_walk.hpp"

namespace ashlar::observe {

/// Counts of one site. Units: bytes as asked for, blocks. What changes together is not side by
/// side: the compiler would make one vector of it, by way of memory.
struct site_cell {
  std::uint64_t born_blocks = 0;
  std::uint64_t dead_blocks = 0;
  std::uint64_t born_bytes = 0;
  std::uint64_t dead_bytes = 0;
  /// Of the dead: freed with no other allocation by the same thread in between.
  std::uint64_t temporary_blocks = 0;

  void add(const site_cell& other) {
    born_blocks += load_relaxed(other.born_blocks);
    born_bytes += load_relaxed(other.born_bytes);
    dead_blocks += load_relaxed(other.dead_blocks);
    dead_bytes += load_relaxed(other.dead_bytes);
    temporary_blocks += load_relaxed(other.temporary_blocks);
  }
};

/// Change of what a tag holds that is not published yet.
struct tag_cell {
  std::int64_t pending = 0;
  std::int64_t highest = 0;  // the most that this thread has seen: published and pending
};

/// The site of a caller without a stack, found again without looking at all sites.
struct site_memo {
  std::uintptr_t return_address = 0;
  site_id site = site_table::none;
  tag_id tag = 0;
};

/// The thread's last walk, and its site.
struct walk_memo {
  last_walk last;
  site_id site = site_table::none;
  tag_id tag = 0;

  void forget() {
    last.forget();
    last.is_in_use = false;  // a fork may have come in the middle of a walk
    site = site_table::none;
  }
};

/// What is kept of a thread for ever. Of a running one the counts stand in its cells alone.
struct thread_summary {
  char name[16];
  std::uint32_t system_id;
  std::uint32_t ended;
  std::uint64_t born_blocks;
  std::uint64_t born_bytes;
  std::uint64_t dead_blocks;
  std::uint64_t dead_bytes;
};

struct site_page {
  static constexpr std::uint32_t size = 256;
  site_cell cells[size];
  site_page* next;  // among unused ones
};

struct tag_page {
  static constexpr std::uint32_t size = 64;
  tag_cell cells[size];
  tag_page* next;
};

struct thread_tally {
  std::uint16_t number;  // of its summary
  thread_tally* next;    // of all, or of the unused ones
  thread_tally* previous;
  std::uint32_t lots;  // drawn (block_record.hpp), from anywhere on
  tag_cell total;      // of all tags together
  site_memo memos[64];
  tag_page* tags[tag_table::limit / tag_page::size];
  site_page* sites[3072];  // 786,432 sites
  walk_memo births;
  walk_memo deaths;  // of their own, for both come in turns where stacks of frees are kept

  /// Returns the lot of the next sample. Fractions of the golden ratio: any run of them is even.
  std::uint8_t draw_lot() { return static_cast<std::uint8_t>(lots++ * 0x9e3779b9u >> 27); }

  /// Gets ready for another thread. Requires: no pages. `memos` stay: the site of an address and a
  /// tag is the same for every thread, and for good.
  void reset() {
    number = 0;
    lots = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(this) >> 12);
    next = previous = nullptr;
    total = {};
    births.forget();
    deaths.forget();
  }
};

}  // namespace ashlar::observe
