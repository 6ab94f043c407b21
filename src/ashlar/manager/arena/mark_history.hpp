// SPDX-License-Identifier: MIT
// Tells stale marks from good ones, in a few words and without touching what was pushed.
//
// A mark is good until a rewind goes below it. An arena cannot know which marks its user still has,
// so a mark carries the age (how many rewinds were noted before it) and the arena notes rewinds: to
// where, and at which age. A mark at position q of age a is stale if and only if a rewind younger
// than a went below q. A rewind that goes below an older one makes that one's note superfluous, so
// the notes form a stair: ever younger, ever higher. A rewind that ends no mark is not noted, which
// is why a loop of scopes notes nothing.
//
// The stair may have any number of steps, the notes have room for eight; to know all would take
// memory, which a rewind must not need, and to take two steps for one would call good marks stale.
// What is dropped is the step that is the least high: then stale marks of that narrow band, made
// before it, pass as the positions that they name (arena::rewind says so). They lie below pos() in
// memory of the arena all the same, so a rewind to one ends newer blocks but breaks nothing.
//
// The place of a mark is its age, scattered by an odd factor from the arena's address: a mark of
// another arena has an age that never was.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/base/bits.hpp"
#include "ashlar/manager/manager.hpp"

namespace ashlar::detail {

// Newton's step doubles the bits of an inverse modulo a power of two that are right.
constexpr std::uint64_t invert_odd(std::uint64_t n) {
  std::uint64_t inverse = n;
  for (int i = 0; i < 6; ++i) inverse *= 2 - n * inverse;
  return inverse;
}

class mark_history {
 public:
  static constexpr std::size_t most_notes = 8;

  mark make(const void* owner, std::size_t position) const noexcept {
    if (position > highest_) highest_ = position;
    return {at_address(address_of(owner) + static_cast<std::uintptr_t>(age_) * factor), position};
  }

  /// Whether a rewind has gone below this mark, or `owner` never made it.
  bool is_stale(const void* owner, mark place) const noexcept {
    const std::uint64_t age = (address_of(place.place) - address_of(owner)) * inverse;
    if (age > age_) return true;
    for (std::size_t i = 0; i < count_; ++i)
      if (notes_[i].age > age && notes_[i].position < place.position) return true;
    return false;
  }

  /// Whether a mark above `position` may be in use.
  bool has_marks_above(std::size_t position) const noexcept { return highest_ > position; }

  void rewound(std::size_t position) noexcept {
    if (highest_ <= position) return;
    highest_ = position;
    while (count_ != 0 && notes_[count_ - 1].position >= position) --count_;
    if (count_ == most_notes) drop_lowest_step();
    notes_[count_++] = {position, ++age_};
  }

 private:
  struct note {
    std::size_t position;
    std::uint64_t age;
  };

  static constexpr std::uint64_t factor = 0x9e3779b97f4a7c15;

  static constexpr std::uint64_t inverse = invert_odd(factor);
  static_assert(factor * inverse == 1);

  void drop_lowest_step() noexcept {
    std::size_t lowest = 0;
    for (std::size_t i = 1; i + 1 < count_; ++i)
      if (height(i) < height(lowest)) lowest = i;
    --count_;
    for (std::size_t i = lowest; i < count_; ++i) notes_[i] = notes_[i + 1];
  }
  std::size_t height(std::size_t i) const noexcept {
    return notes_[i + 1].position - notes_[i].position;
  }

  note notes_[most_notes] = {};
  std::size_t count_ = 0;
  std::uint64_t age_ = 0;
  mutable std::size_t highest_ = 0;  // position of the highest mark that was made and not ended
};

}  // namespace ashlar::detail
