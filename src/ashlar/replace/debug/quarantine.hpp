// SPDX-License-Identifier: MIT
// Freed blocks that are not used again for a while, so that whoever still uses them is found.
//
// First in, first out, bounded in bytes. An entry keeps what is known of its block, beside the
// block and not in it: where it came from and where it was freed. Entries stay readable for reports
// after they have left, until their place in the ring is needed.
// Threads: thread-safe. The lock is a leaf.
#pragma once

#include <cstdint>

#include "ashlar/observe/block_record.hpp"
#include "ashlar/observe/growing_table.hpp"
#include "ashlar/structure/lock.hpp"

namespace ashlar::replace {

/// A block that was freed. Valid as zero bytes: none.
struct dead_block {
  std::byte* data;  // what the program knew it by
  observe::block_facts facts;
  std::uint64_t cost;  // bytes that it counts for
  observe::site_id freed_at;
  std::uint16_t freed_by;  // number of the thread
  bool sealed;             // its pages are inaccessible
  bool told;               // a write to it was reported
};

class quarantine {
 public:
  static constexpr std::uint64_t most_blocks = std::uint64_t{1} << 18;

  constexpr quarantine() = default;

  /// Enters a block, which must be filled by now. Errors: false if there is no memory.
  bool put(const dead_block& dead) noexcept;
  /// Takes the oldest block out if there is more in here than `most_bytes`.
  bool take_excess(std::size_t most_bytes, dead_block& out) noexcept;

  /// Finds the entry of the block that `p` was the pointer to, the latest first; or, if `inside`,
  /// lay in. Those that have left count too. For reports: slow.
  bool find(const void* p, bool inside, dead_block& out) noexcept;

  /// Finds the block that lay in `[begin, end)` last.
  bool find_within(const std::byte* begin, const std::byte* end, dead_block& out) noexcept;

  /// Calls `visit(dead_block&)` for each block in here, under the lock.
  template <class Visitor>
  void for_each(Visitor visit) noexcept {
    lock_guard guard(mutex_);
    for (std::uint64_t i = first_; i != end_; ++i) visit(entries_[i % most_blocks]);
  }

  os::range reserved() const { return entries_.reserved(); }
  lock& mutex() { return mutex_; }
  void release() noexcept;

 private:
  template <class Predicate>
  bool find_latest(dead_block& out, Predicate is_it) noexcept;

  lock mutex_;
  std::uint64_t first_ = 0;  // entries are numbered; number n lies at n % most_blocks
  std::uint64_t end_ = 0;
  std::uint64_t bytes_ = 0;
  observe::growing_table<dead_block, most_blocks> entries_;
};

}  // namespace ashlar::replace
