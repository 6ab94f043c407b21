// SPDX-License-Identifier: MIT
#include "ashlar/observe/thread_tally.hpp"

namespace ashlar::observe {

void raise(std::atomic<std::int64_t>& peak, std::int64_t value) noexcept {
  std::int64_t known = peak.load(std::memory_order_relaxed);
  while (value > known && !peak.compare_exchange_weak(known, value, std::memory_order_relaxed)) {
  }
}

// It goes on only while the owner does: each turn but the first follows a change of the sum.
void publish(tag_cell& cell, std::atomic<std::int64_t>& live,
             std::atomic<std::int64_t>& peak) noexcept {
  raise(peak, load_relaxed(cell.highest));
  std::int64_t sum;
  do {
    sum = load_relaxed(cell.sum);
    // Both ways: whoever publishes next sees this, and the sum that is looked at again is not older
    // than what the last one published. That one may have had a newer sum, and its owner be done.
    const std::int64_t change = sum - __atomic_exchange_n(&cell.published, sum, __ATOMIC_ACQ_REL);
    raise(peak, live.fetch_add(change, std::memory_order_relaxed) + change);
  } while (load_relaxed(cell.sum) != sum);
}

}  // namespace ashlar::observe
