// SPDX-License-Identifier: MIT
// A model of the offset manager: a space of a few thousand units, each with the number of the range
// that owns it. What fits is found by looking at every unit.
//
// The contents of the space are played too: each unit of a range holds the range's stamp and its
// position in it, and moves copy. So a range that is moved wrongly is found by its contents.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "ashlar/manager/offset/offset_manager.hpp"
#include "support/random.hpp"

namespace ashlar::test {

struct model_range {
  offset_handle handle;
  std::uint64_t offset = 0;
  std::uint64_t units = 0;
  std::uint64_t alignment = 1;
  std::uint64_t stamp = 0;  // kept as the user's word too
};

class offset_model {
 public:
  offset_model(std::uint64_t first, std::uint64_t units) : first_(first), owners_(units) {
    contents_.resize(units);
  }

  std::uint64_t units() const { return owners_.size(); }
  std::uint64_t used() const { return used_; }

  /// Returns the most units that fit at that alignment.
  std::uint64_t largest(std::uint64_t alignment) const {
    std::uint64_t best = 0;
    for_each_gap([&](std::uint64_t start, std::uint64_t end) {
      const std::uint64_t from = (first_ + start + alignment - 1) / alignment * alignment - first_;
      if (from < end) best = std::max(best, end - from);
    });
    return best;
  }

  std::uint32_t free_ranges() const {
    std::uint32_t count = 0;
    for_each_gap([&](std::uint64_t, std::uint64_t) { ++count; });
    return count;
  }

  bool is_free(std::uint64_t offset, std::uint64_t units) const {
    if (offset < first_ || offset + units > first_ + owners_.size()) return false;
    const auto from = owners_.begin() + static_cast<std::ptrdiff_t>(offset - first_);
    return std::all_of(from, from + static_cast<std::ptrdiff_t>(units),
                       [](std::uint64_t owner) { return owner == 0; });
  }

  /// Gives units to an owner (0: nobody).
  void set_owner(std::uint64_t offset, std::uint64_t units, std::uint64_t owner) {
    for (std::uint64_t i = 0; i < units; ++i) {
      std::uint64_t& now = owners_[offset - first_ + i];
      used_ = used_ + (owner != 0) - (now != 0);
      now = owner;
    }
  }

  void fill(const model_range& r) {
    for (std::uint64_t i = 0; i < r.units; ++i)
      contents_[r.offset - first_ + i] = mixed(r.stamp) + i;
  }
  bool has_contents(const model_range& r) const {
    for (std::uint64_t i = 0; i < r.units; ++i)
      if (contents_[r.offset - first_ + i] != mixed(r.stamp) + i) return false;
    return true;
  }
  void copy(std::uint64_t from, std::uint64_t to, std::uint64_t units) {
    const auto at = [this](std::uint64_t offset) {
      return contents_.begin() + static_cast<std::ptrdiff_t>(offset - first_);
    };
    std::copy(at(from), at(from) + static_cast<std::ptrdiff_t>(units), at(to));
  }

  void resize(std::uint64_t units) {
    owners_.resize(units);
    contents_.resize(units);
  }
  std::uint64_t free_at_end() const {
    const auto last = std::find_if(owners_.rbegin(), owners_.rend(),
                                   [](std::uint64_t owner) { return owner != 0; });
    return static_cast<std::uint64_t>(last - owners_.rbegin());
  }

 private:
  template <class Visit>
  void for_each_gap(Visit visit) const {
    std::uint64_t start = 0;
    for (std::uint64_t i = 0; i <= owners_.size(); ++i) {
      if (i < owners_.size() && owners_[i] == 0) continue;
      if (i > start) visit(start, i);
      start = i + 1;
    }
  }

  std::uint64_t first_;
  std::vector<std::uint64_t> owners_;
  std::vector<std::uint64_t> contents_;
  std::uint64_t used_ = 0;
};

}  // namespace ashlar::test
