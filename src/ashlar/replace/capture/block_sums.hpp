// SPDX-License-Identifier: MIT
// What a walk over all tracked blocks adds to the counts of sites and threads: what became of them,
// how old they are, and between which marks they were made.
//
// Memory comes from the OS, as much as there are sites and threads: nothing is asked of the heap
// that is walked. Marks divide time into periods; the last `most_marks` of them do, lest a program
// that marks each of its steps gets a capture of all combinations.
// Threads: thread-confined.
#pragma once

#include <cstdint>

#include "ashlar/observe/table/growing_table.hpp"
#include "ashlar/observe/tracker.hpp"

namespace ashlar::replace {

/// Units: blocks, bytes as asked for, milliseconds since tracking began.
struct site_sums {
  std::uint64_t lost_blocks;
  std::uint64_t lost_bytes;
  std::uint64_t held_blocks;
  std::uint64_t held_bytes;
  std::uint64_t live_excess;  // observe::excess_of, of all
  std::uint32_t oldest;
  std::uint32_t newest;
  std::uint32_t first_period;  // index of an entry, plus one; 0: none
};

struct thread_sums {
  std::uint64_t live_blocks;
  std::uint64_t live_bytes;
};

/// What of one site was made in one period.
struct period_sums {
  std::uint32_t mark;  // number of the mark that it begins with; 0: before all that count
  std::uint32_t next;  // of the same site: index plus one
  std::uint64_t live_blocks;
  std::uint64_t live_bytes;
  std::uint64_t lost_blocks;
  std::uint64_t lost_bytes;
};

class block_sums {
 public:
  static constexpr std::uint32_t most_marks = 63;

  /// For the first `sites` and `threads` of the tracker, and the marks that there are now.
  block_sums(std::uint32_t sites, std::uint32_t threads) noexcept;
  ~block_sums();
  block_sums(const block_sums&) = delete;
  block_sums& operator=(const block_sums&) = delete;

  /// Makes room. Errors: false if there is no memory.
  bool prepare() noexcept;

  /// Enters a block that counts for `w`.
  void add(const observe::block_facts& facts, const observe::block_weight& w) noexcept;

  const site_sums& site(std::uint32_t number) const { return sites()[number]; }
  const thread_sums& thread(std::uint32_t number) const { return threads()[number]; }
  const period_sums& period(std::uint32_t index) const { return periods()[index]; }
  std::uint32_t period_count() const { return period_count_; }
  std::uint32_t mark_count() const { return mark_count_; }
  std::uint64_t live_blocks() const { return live_blocks_; }
  std::uint64_t live_bytes() const { return live_bytes_; }

 private:
  site_sums* sites() const { return reinterpret_cast<site_sums*>(site_space_.data()); }
  thread_sums* threads() const { return reinterpret_cast<thread_sums*>(thread_space_.data()); }
  period_sums* periods() const { return reinterpret_cast<period_sums*>(period_space_.data()); }
  std::uint32_t mark_before(std::uint32_t born) const noexcept;
  period_sums* period_of(site_sums& site, std::uint32_t mark) noexcept;

  std::uint32_t site_count_;
  std::uint32_t thread_count_;
  std::uint32_t mark_count_;
  std::uint32_t first_mark_;  // number of the first mark that counts
  std::uint32_t period_count_ = 0;
  // No more address space than is needed: it may be scarce.
  observe::growing_space site_space_;
  observe::growing_space thread_space_;
  observe::growing_space period_space_;
  std::uint32_t mark_times_[most_marks] = {};  // of the last marks, ascending
  std::uint64_t live_blocks_ = 0;
  std::uint64_t live_bytes_ = 0;
};

}  // namespace ashlar::replace
