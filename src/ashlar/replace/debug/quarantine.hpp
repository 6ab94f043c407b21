// SPDX-License-Identifier: MIT
// Freed blocks that are not used again for a while, so that whoever still uses them is found.
//
// Bounded in bytes. An entry keeps what is known of its block, beside the block and not in it:
// where it came from and where it was freed. Entries stay readable for reports after they have
// left, until their place in the ring is needed; so do those of blocks that were too large to stay,
// in a ring of their own, lest many small ones push them out. Each processor has a ring (sixteen at
// most), which its caches know and at which threads rarely meet. Each ring is first in, first out,
// and has places for twice as many as ever rested there, up to a bound. When all together hold too
// much, the processor's own gives, unless the oldest block of another one is twice as old: a thread
// that moves on leaves behind what it freed. A 256th more leaves than must, for to look at all
// rings costs as much as to free a block, and those who fill them more. Time is counted by what is
// freed. Threads: thread-safe. The locks are leaves; never is more than one taken, but for a fork.
// More than may be is in here by one sixteenth at most, for a moment.
#pragma once

#include <atomic>
#include <cstdint>

#include "ashlar/observe/block_record.hpp"
#include "ashlar/observe/table/growing_table.hpp"
#include "ashlar/structure/lock.hpp"

namespace ashlar::replace {

/// A block that was freed. Valid as zero bytes: none.
struct dead_block {
  std::byte* data;            // what the program knew it by
  observe::block_record was;  // its record while it lived
  observe::site_id freed_at;
  std::uint16_t freed_by;       // number of the thread
  std::uint16_t freed_in : 14;  // the quarantine's time, which says it
  bool sealed : 1;              // its pages are inaccessible
  bool told : 1;                // a write to it was reported

  observe::block_facts facts() const noexcept { return was.load(); }
};
static_assert(sizeof(dead_block) == 32);

class quarantine {
 public:
  static constexpr std::uint32_t ring_count = 16;
  static constexpr std::uint64_t most_entries = std::uint64_t{1} << 18;  // of a ring
  static constexpr std::uint64_t fewest_entries = std::uint64_t{1} << 14;
  static constexpr std::uint32_t most_taken = 32;
  static constexpr std::uint64_t past_count = 256;

  constexpr quarantine() = default;

  /// Sets how many bytes blocks may come to that rest in here, each counting for `overhead` more
  /// than it has. 0: each leaves at once, and is remembered only. Requires: nothing is in here.
  void limit_to(std::size_t most_bytes, std::size_t overhead) noexcept {
    most_bytes_ = most_bytes;
    overhead_ = overhead;
  }

  /// Enters a block, which must be filled by now, into the ring of a processor. Returns false
  /// if it is too large, if none may stay, or if there is no place for it. Sets `is_over` if others
  /// are to leave now.
  bool put(std::uint32_t processor, const dead_block& dead, bool& is_over) noexcept;
  /// Remembers a block that `put` did not take: the last `past_count` of these, or, where none may
  /// stay, what the ring has place for.
  void remember(std::uint32_t processor, const dead_block& dead) noexcept;

  /// What is to leave a ring.
  struct excess {
    std::uint32_t ring;
    std::uint64_t bytes;
    std::uint32_t least_age;  // of each of the blocks
    bool is_part;             // more is to leave, of others
  };
  /// Returns what is to leave so that no more is in here than may be, and some places are free.
  excess find_excess(std::uint32_t processor) const noexcept;
  /// Takes the oldest blocks of that ring out, and their bytes off `what`; no more of them than are
  /// still too many. Returns how many; 0: that is all.
  std::uint32_t take(excess& what, dead_block (&out)[most_taken]) noexcept;

  /// Takes blocks out whatever the limit is. Returns how many; 0: none is left.
  std::uint32_t take_oldest(dead_block (&out)[most_taken]) noexcept;

  /// Finds the entry of the block that `p` was the pointer to, the latest; or, if `inside`, lay in.
  /// Those that have left count too. For reports: slow.
  bool find(const void* p, bool inside, dead_block& out) noexcept;

  /// Finds the block that lay in `[begin, end)` last.
  bool find_within(const std::byte* begin, const std::byte* end, dead_block& out) noexcept;

  /// Calls `visit(dead_block&)` for each block in here, under the lock of its ring.
  template <class Visitor>
  void for_each(Visitor visit) noexcept {
    for (ring& r : rings_) {
      lock_guard guard(r.mutex);
      for (std::uint64_t i = r.first; i != r.end; ++i) visit(r.at(i));
    }
  }

  /// Calls `visit(range)` for the address space of each ring.
  template <class Visitor>
  void for_each_range(Visitor visit) const {
    for (const ring& r : rings_) visit(r.entries.reserved());
    visit(past_.reserved());
  }

  /// Calls `visit(lock&)` for all locks, in the order in which a fork takes them.
  template <class Visitor>
  void for_each_lock(Visitor visit) noexcept {
    for (ring& r : rings_) visit(r.mutex);
    visit(past_mutex_);
  }

  void release() noexcept;

 private:
  // Of a pair of cache lines, as thread_tally is: each free writes to one.
  struct alignas(128) ring {
    lock mutex;
    std::uint64_t first = 0;  // entries are numbered; number n lies at n % places
    std::uint64_t end = 0;
    std::uint64_t bytes = 0;
    std::uint64_t told = 0;     // of these, what counts in told_
    std::uint64_t places = 0;   // a power of two; 0: nothing was ever entered
    std::uint64_t untimed = 0;  // bytes freed into it since it let time go on
    std::uint32_t oldest = 0;   // when the first one that rests was freed
    observe::growing_table<dead_block, most_entries> entries;

    dead_block& at(std::uint64_t number) const { return entries[number & (places - 1)]; }
    bool is_nearly_full() const {
      return load_relaxed(end) - load_relaxed(first) + 2 * most_taken > load_relaxed(places) &&
             load_relaxed(places) != 0;
    }
  };

  // A ring keeps up to this part of what may be in here to itself, so all together one sixteenth;
  // and when there is too much, this much more leaves, so that it is not too much again at once.
  static constexpr std::uint64_t untold_part = 256;
  std::uint64_t wanted_bytes() const { return most_bytes_ - most_bytes_ / untold_part; }

  static constexpr std::uint32_t time_mask = (1u << 14) - 1;
  std::uint32_t now() const noexcept { return time_.load(std::memory_order_relaxed) & time_mask; }
  std::uint32_t age_of(std::uint32_t time) const noexcept { return (now() - time) & time_mask; }

  std::uint64_t cost_of(const dead_block& dead) const noexcept;
  void grow(ring& r) noexcept;
  bool enter(ring& r, const dead_block& dead) noexcept;
  dead_block take_first(ring& r) noexcept;
  void settle(ring& r) noexcept;
  void tell(ring& r) noexcept;
  template <class Predicate>
  bool find_latest(dead_block& out, Predicate is_it) noexcept;

  std::size_t most_bytes_ = 0;
  std::size_t overhead_ = 0;
  ring rings_[ring_count];
  // Blocks that could not stay. Number n lies at n % past_count.
  lock past_mutex_;
  std::uint64_t past_end_ = 0;
  observe::growing_table<dead_block, past_count> past_;
  alignas(64) std::atomic<std::uint64_t> told_{0};  // bytes in all rings that threads go by
  std::atomic<std::uint32_t> time_{0};              // goes on with each 256th that is freed
};

}  // namespace ashlar::replace
