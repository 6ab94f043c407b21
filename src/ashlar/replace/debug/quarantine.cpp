// SPDX-License-Identifier: MIT
#include "ashlar/replace/debug/quarantine.hpp"

namespace ashlar::replace {

bool quarantine::put(const dead_block& dead) noexcept {
  lock_guard guard(mutex_);
  const std::uint64_t slots = end_ + 1 < most_blocks ? end_ + 1 : most_blocks;
  if (end_ - first_ == most_blocks || !entries_.ensure(slots)) return false;
  entries_[end_ % most_blocks] = dead;
  ++end_;
  bytes_ += dead.cost;
  return true;
}

bool quarantine::take_excess(std::size_t most_bytes, dead_block& out) noexcept {
  lock_guard guard(mutex_);
  if (first_ == end_ || (bytes_ <= most_bytes && end_ - first_ < most_blocks - 64)) return false;
  out = entries_[first_ % most_blocks];
  ++first_;
  bytes_ -= out.cost;
  return true;
}

// Called in handlers of signals too: where this thread holds a lock it looks without one.
template <class Predicate>
bool quarantine::find_latest(dead_block& out, Predicate is_it) noexcept {
  const bool locks = locks_of_this_thread == 0;
  if (locks) mutex_.acquire();
  const std::uint64_t known = end_ < most_blocks ? end_ : most_blocks;
  bool found = false;
  for (std::uint64_t i = end_; i != end_ - known && !found;) {
    const dead_block& d = entries_[--i % most_blocks];
    found = is_it(d);
    if (found) out = d;
  }
  if (locks) mutex_.release();
  return found;
}

bool quarantine::find(const void* p, bool inside, dead_block& out) noexcept {
  return find_latest(out, [p, inside](const dead_block& d) {
    const std::size_t offset = address_of(p) - address_of(d.data);
    return offset == 0 || (inside && offset < d.facts.size);
  });
}

bool quarantine::find_within(const std::byte* begin, const std::byte* end,
                             dead_block& out) noexcept {
  return find_latest(out,
                     [begin, end](const dead_block& d) { return d.data >= begin && d.data < end; });
}

void quarantine::release() noexcept {
  first_ = end_ = bytes_ = 0;
  entries_.release();
}

}  // namespace ashlar::replace
