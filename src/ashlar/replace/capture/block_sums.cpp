// SPDX-License-Identifier: MIT
#include "ashlar/replace/capture/block_sums.hpp"

namespace ashlar::replace {

using observe::block_standing;

block_sums::block_sums(std::uint32_t sites, std::uint32_t threads) noexcept
    : site_count_(sites),
      thread_count_(threads),
      mark_count_(observe::process_tracker().mark_count()),
      first_mark_(mark_count_ > most_marks ? mark_count_ - most_marks + 1 : 1),
      site_space_(sites * sizeof(site_sums)),
      thread_space_(threads * sizeof(thread_sums)),
      period_space_(std::size_t{sites} * (most_marks + 1) * sizeof(period_sums)) {
  mark_count_ -= first_mark_ - 1;
  for (std::uint32_t i = 0; i < mark_count_; ++i)
    mark_times_[i] = observe::process_tracker().mark_at(first_mark_ - 1 + i).at_ms;
}

block_sums::~block_sums() {
  site_space_.release();
  thread_space_.release();
  period_space_.release();
}

bool block_sums::prepare() noexcept {
  return site_space_.ensure(site_count_ * sizeof(site_sums)) &&
         thread_space_.ensure(thread_count_ * sizeof(thread_sums));
}

// The number of the mark whose period a block belongs to; 0: of none.
std::uint32_t block_sums::mark_before(std::uint32_t born) const noexcept {
  std::uint32_t low = 0;
  std::uint32_t high = mark_count_;
  while (low < high) {
    const std::uint32_t middle = (low + high) / 2;
    // The clock of births steps on at each mark, so one of the same millisecond came before it.
    if (mark_times_[middle] < born)
      low = middle + 1;
    else
      high = middle;
  }
  return low == 0 ? 0 : first_mark_ + low - 1;
}

// Blocks of one period lie together, more often than not: the last one asked for comes first.
period_sums* block_sums::period_of(site_sums& site, std::uint32_t mark) noexcept {
  std::uint32_t* link = &site.first_period;
  while (*link != 0) {
    period_sums& found = periods()[*link - 1];
    if (found.mark == mark) {
      const std::uint32_t number = *link;
      *link = found.next;
      found.next = site.first_period;
      site.first_period = number;
      return &found;
    }
    link = &found.next;
  }
  if (!period_space_.ensure((period_count_ + 1) * sizeof(period_sums))) return nullptr;
  period_sums& fresh = periods()[period_count_];  // zeroes, as all of a new table
  fresh.mark = mark;
  fresh.next = site.first_period;
  site.first_period = ++period_count_;
  return &fresh;
}

void block_sums::add(const observe::block_facts& facts, const observe::block_weight& w) noexcept {
  if (facts.site == observe::site_table::none || facts.site >= site_count_) return;
  live_blocks_ += w.blocks;
  live_bytes_ += w.bytes;
  site_sums& s = sites()[facts.site];
  const bool lost = facts.standing == block_standing::lost;
  if (lost) {
    s.lost_blocks += w.blocks;
    s.lost_bytes += w.bytes;
  } else if (facts.standing == block_standing::kept_by_lost) {
    s.held_blocks += w.blocks;
    s.held_bytes += w.bytes;
  }
  s.live_excess = capped_sum(s.live_excess, observe::excess_of(w, facts.doublings));
  if (s.oldest == 0 || facts.born < s.oldest) s.oldest = facts.born;
  if (facts.born > s.newest) s.newest = facts.born;
  if (facts.thread < thread_count_) {
    threads()[facts.thread].live_blocks += w.blocks;
    threads()[facts.thread].live_bytes += w.bytes;
  }
  if (mark_count_ == 0) return;
  period_sums* const p = period_of(s, mark_before(facts.born));
  if (p == nullptr) return;
  p->live_blocks += w.blocks;
  p->live_bytes += w.bytes;
  p->lost_blocks += lost ? w.blocks : 0;
  p->lost_bytes += lost ? w.bytes : 0;
}

}  // namespace ashlar::replace
