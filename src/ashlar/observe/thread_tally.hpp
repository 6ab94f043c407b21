// SPDX-License-Identifier: MIT
// What each thread counts: births and deaths of blocks by site, and what its tags hold.
//
// Cells belong to one thread and are written without any lock or atomic operation; readers sum the
// cells of all threads. A block may die in another thread than it was born in: then one thread's
// cell counts more deaths than births, and the sum is right. When a thread ends, its cells are
// added to those of the ended threads and used again; what remains of it is its summary.
//
// Invariants: (1) for each site, births - deaths over all cells = live blocks; (2) for each tag,
// the sums of all cells, and what has no cell, = bytes of live blocks that carry it; (3) what a tag
// itself counts is what was published of these sums, but for publications that are under way.
// Threads: cells: the owner writes, anybody reads (each number is whole, several need not fit
// together) and publishes. Lists and the cells of ended threads: the tracker's lock.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "ashlar/base/bits.hpp"
#include "ashlar/base/relaxed.hpp"
#include "ashlar/observe/table/growing_table.hpp"
#include "ashlar/observe/table/site_table.hpp"
#include "ashlar/observe/table/tag_table.hpp"
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
  /// Of the born, if they were sampled: `excess_of` them.
  std::uint64_t born_excess = 0;

  void add(const site_cell& other) {
    born_blocks += load_relaxed(other.born_blocks);
    born_bytes += load_relaxed(other.born_bytes);
    dead_blocks += load_relaxed(other.dead_blocks);
    dead_bytes += load_relaxed(other.dead_bytes);
    temporary_blocks += load_relaxed(other.temporary_blocks);
    born_excess = capped_sum(born_excess, load_relaxed(other.born_excess));
  }
};

/// What blocks of one tag, or of all, come to that a thread made and freed.
struct tag_cell {
  std::int64_t sum = 0;        // bytes born less bytes that died
  std::int64_t published = 0;  // the sum when it was last published, by whomever
  std::int64_t highest = 0;    // the most that the owner has seen in all threads together

  std::int64_t pending() const { return load_relaxed(sum) - load_relaxed(published); }
};

/// Makes `peak` at least `value`.
void raise(std::atomic<std::int64_t>& peak, std::int64_t value) noexcept;

/// Adds what is not published yet of a cell to `live`, and raises `peak`. Any thread may: each adds
/// the difference to what was published before, so that in the end nothing is left out or counted
/// twice (tests/model/publication_protocol.hpp). While another thread than the owner does it,
/// `live` may be too high or too low by what the cell holds.
void publish(tag_cell& cell, std::atomic<std::int64_t>& live,
             std::atomic<std::int64_t>& peak) noexcept;

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

// The cells of both kinds of pages fill whole cache lines; `next` has one to itself.
struct alignas(64) site_page {
  static constexpr std::uint32_t size = 256;
  site_cell cells[size];
  site_page* next;  // among unused ones
};

struct alignas(64) tag_page {
  static constexpr std::uint32_t size = 64;
  tag_cell cells[size];
  tag_page* next;
};

/// Returns the lot of the n-th sample. Fractions of the golden ratio: any run of them is even.
inline std::uint8_t lot_of(std::uint32_t n) {
  return static_cast<std::uint8_t>(n * 0x9e3779b9u >> 27);
}

// Of a pair of cache lines, which some processors fetch together: they lie side by side in a table,
// and what one thread writes at each birth may not lie where another looks at each death.
struct alignas(128) thread_tally {
  std::uint16_t number;  // of its summary
  thread_tally* next;    // of all, or of the unused ones
  thread_tally* previous;
  std::uint32_t lots;   // drawn (block_record.hpp)
  tag_cell total;       // of all tags together
  site_memo memos[64];  // what came too late for a site of its own stays so in this thread
  tag_page* tags[most_tags / tag_page::size];
  site_page* sites[site_table::limit / site_page::size];
  walk_memo births;
  walk_memo deaths;  // of their own, for both come in turns where stacks of frees are kept

  /// Returns the lot of the next sample.
  std::uint8_t draw_lot() { return lot_of(lots++); }

  /// Gets ready for another thread. Requires: no pages. `memos` stay: the site of an address and a
  /// tag is the same for every thread, and for good.
  void reset() {
    number = 0;
    next = previous = nullptr;
    total = {};
    births.forget();
    deaths.forget();
  }
};

}  // namespace ashlar::observe
