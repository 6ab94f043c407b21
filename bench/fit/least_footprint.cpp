// SPDX-License-Identifier: MIT
#include "least_footprint.hpp"

#include <algorithm>
#include <iterator>

#include "ashlar/fit.hpp"

namespace bench {

namespace {

// The blocks that were there before the first one ended, side by side.
class row_of_blocks {
 public:
  void add(std::size_t size) {
    blocks_.push_back({size, true});
    live_ += size;
    largest_ = std::max(largest_, size);
  }

  void end(std::size_t place) {
    const std::size_t first = place == 0 ? 0 : place - 1;
    const std::size_t last = std::min(place + 1, blocks_.size() - 1);
    for (std::size_t i = first; i <= last; ++i) shut_in_ -= shut_in(i);
    blocks_[place].is_live = false;
    live_ -= blocks_[place].size;
    for (std::size_t i = first; i <= last; ++i) shut_in_ += shut_in(i);
  }

  std::size_t count() const { return blocks_.size(); }
  /// The largest hole that one of them may leave, alignment included.
  std::size_t largest_hole() const { return ashlar::align_up(largest_, std::size_t{16}); }
  /// The bytes of the live ones, and of the holes between them that take none larger than these.
  std::size_t taken() const { return live_ + shut_in_; }

 private:
  struct member {
    std::size_t size;
    bool is_live;
  };

  // The hole that a block left between two live ones. Beyond either end there is room.
  std::size_t shut_in(std::size_t place) const {
    const bool between = place != 0 && place + 1 < blocks_.size() && !blocks_[place].is_live &&
                         blocks_[place - 1].is_live && blocks_[place + 1].is_live;
    return between ? blocks_[place].size : 0;
  }

  std::vector<member> blocks_;
  std::size_t live_ = 0;
  std::size_t shut_in_ = 0;
  std::size_t largest_ = 0;
};

}  // namespace

std::size_t least_footprint(const trace& t) {
  const auto first_end = std::find_if(t.steps.begin(), t.steps.end(),
                                      [](const step& s) { return s.kind == call_kind::free; });
  if (first_end == t.steps.begin()) return 0;
  const auto with_header = [](const step& s) { return s.size + ashlar::fit_block::header; };
  row_of_blocks first;
  // The last of them makes the first one end: it belongs to what comes after.
  const auto later = std::prev(first_end);
  for (auto s = t.steps.begin(); s != later; ++s) first.add(with_header(*s));

  constexpr std::size_t one_of_first = static_cast<std::size_t>(-1);
  std::vector<std::size_t> counted(t.block_numbers, 0);  // of later blocks: what counts
  std::fill_n(counted.begin(), first.count(), one_of_first);
  std::size_t large = 0;
  std::size_t least = first.taken();
  for (auto s = later; s != t.steps.end(); ++s) {
    std::size_t& counts = counted[s->block];
    if (s->kind == call_kind::allocate) {
      counts = with_header(*s) > first.largest_hole() ? with_header(*s) : 0;
      large += counts;
    } else if (counts == one_of_first) {
      first.end(s->block);
    } else {
      large -= counts;
    }
    least = std::max(least, first.taken() + large);
  }
  return least;
}

}  // namespace bench
