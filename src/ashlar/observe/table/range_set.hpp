// SPDX-License-Identifier: MIT
// Address ranges, collected first, then put in order and asked.
//
// Invariant: once sorted, ranges are in order; they are apart if they were when they were added, or
// once they are joined. Threads: one. Cost: to ask is a binary search. Source: address space of its
// own, given back at its end.
#pragma once

#include <algorithm>

#include "ashlar/observe/table/growing_table.hpp"

namespace ashlar::observe {

class range_set {
 public:
  /// With room for `most` ranges.
  explicit range_set(std::size_t most) : most_(most), space_(most * sizeof(os::range)) {}
  ~range_set() { space_.release(); }
  range_set(const range_set&) = delete;
  range_set& operator=(const range_set&) = delete;

  /// Adds a range; an empty one is none. Errors: false if there is no room, or no memory for it.
  bool add(os::range added) noexcept {
    if (!added) return true;
    if (count_ == most_ || !space_.ensure((count_ + 1) * sizeof(os::range))) return false;
    begin()[count_++] = added;
    return true;
  }

  void sort() noexcept {
    std::sort(begin(), begin() + count_,
              [](os::range a, os::range b) { return address_of(a.data) < address_of(b.data); });
  }
  /// Sorts, and makes one range of those that touch or overlap.
  void join() noexcept;

  /// The first range that ends behind an address; `end()`: none. Requires: sorted, and apart.
  const os::range* first_behind(std::uintptr_t address) const noexcept {
    return std::partition_point(begin(), begin() + count_, [address](os::range each) {
      return address_of(each.end()) <= address;
    });
  }
  /// The range that an address lies in; null: in none. Requires: as `first_behind`.
  const os::range* around(std::uintptr_t address) const noexcept {
    const os::range* const found = first_behind(address);
    return found != end() && address_of(found->data) <= address ? found : nullptr;
  }
  const os::range* end() const noexcept { return begin() + count_; }

  std::size_t count() const { return count_; }
  std::size_t most() const { return most_; }
  /// The address space that the ranges are kept in.
  os::range reserved() const { return space_.reserved(); }

 private:
  os::range* begin() const { return reinterpret_cast<os::range*>(space_.data()); }

  std::size_t most_;
  std::size_t count_ = 0;
  growing_space space_;
};

inline void range_set::join() noexcept {
  if (count_ == 0) return;
  sort();
  os::range* last = begin();
  for (os::range* each = last + 1; each != end(); ++each) {
    if (address_of(each->data) > address_of(last->end()))
      *++last = *each;
    else if (address_of(each->end()) > address_of(last->end()))
      last->size = address_of(each->end()) - address_of(last->data);
  }
  count_ = static_cast<std::size_t>(last + 1 - begin());
}

}  // namespace ashlar::observe
