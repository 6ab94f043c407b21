// SPDX-License-Identifier: MIT
// The places of a handle_pool, without their type: chunks, generations, the list of free places.
//
//     chunk:  |generation next|object ...|generation next|object ...| ...
//
// Threads: one at a time.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/base/bits.hpp"
#include "ashlar/manager/memory.hpp"
#include "ashlar/manager/tag.hpp"

namespace ashlar {

class ASHLAR_EXPORT place_table {
 public:
  struct place {
    std::uint32_t generation;  // odd: an object lives here; even while it ends
    std::uint32_t next;        // the next free place, while this one is free
  };
  static constexpr std::uint32_t none = static_cast<std::uint32_t>(-1);

  constexpr place_table(memory upstream, layout object) noexcept
      : upstream_(upstream),
        alignment_(object.alignment < alignof(place) ? alignof(place) : object.alignment),
        offset_(align_up(sizeof(place), alignment_)),
        stride_(align_up(offset_ + object.size, alignment_)),
        chunk_shift_(chunk_shift_for(stride_)) {}

  /// Takes a free place for an object. Returns its index, or `none` if there is no memory.
  std::uint32_t take() noexcept {
    if (first_free_ == none && !grow()) [[unlikely]]
      return none;
    const std::uint32_t index = first_free_;
    place& at = (*this)[index];
    first_free_ = at.next;
    ++at.generation;
    ++live_;
    return index;
  }
  /// Makes every handle to a place stale. Nobody gets it before `recycle`.
  void expire(std::uint32_t index) noexcept {
    ++(*this)[index].generation;
    --live_;
  }
  /// Makes a place free that has expired.
  void recycle(std::uint32_t index) noexcept {
    place& at = (*this)[index];
    // Generation 0 again: from here on old handles would fit. The place stays unused.
    if (at.generation == 0) return;
    at.next = first_free_;
    first_free_ = index;
  }

  /// Returns the place if an object of this generation lives there, else null.
  place* find(std::uint32_t index, std::uint32_t generation) const noexcept {
    if (index >= used_ || generation % 2 == 0) return nullptr;
    place& at = (*this)[index];
    return at.generation == generation ? &at : nullptr;
  }

  place& operator[](std::uint32_t index) const {
    std::byte* const chunk = chunks_[index >> chunk_shift_];
    return *reinterpret_cast<place*>(chunk + (index & chunk_mask()) * stride_);
  }
  void* data_of(place& at) const { return reinterpret_cast<std::byte*>(&at) + offset_; }

  /// Lets chunks count to a tag, unless that is the untagged one.
  void count_to(tag of) noexcept { tag_ = of; }

  std::uint32_t used() const { return used_; }
  std::size_t live() const { return live_; }
  std::size_t held() const { return held_; }
  /// Forgets all places and gives the memory back.
  void release() noexcept;

 private:
  // Chunks of about 16 KiB, and of one place at least: few calls of the upstream, little waste.
  static constexpr unsigned chunk_shift_for(std::size_t stride) {
    unsigned shift = 0;
    while ((stride << (shift + 1)) <= std::size_t{16} << 10) ++shift;
    return shift;
  }
  std::uint32_t chunk_mask() const { return (std::uint32_t{1} << chunk_shift_) - 1; }
  memory source() const noexcept;
  ASHLAR_COLD bool grow() noexcept;
  bool grow_directory() noexcept;

  memory upstream_;
  tag tag_;
  std::size_t alignment_;
  std::size_t offset_;  // of the object in its place
  std::size_t stride_;  // from place to place
  unsigned chunk_shift_;
  std::uint32_t first_free_ = none;
  std::uint32_t used_ = 0;  // places in all chunks
  std::byte** chunks_ = nullptr;
  std::size_t directory_size_ = 0;
  std::size_t live_ = 0;
  std::size_t held_ = 0;
};

}  // namespace ashlar
