// SPDX-License-Identifier: MIT
// Families of size classes: which sizes of blocks exist, and which of them serves a request.
//
//   powers_of_two   16, 32, 64, ... 256 KiB: 15 classes; up to half of a block unused
//   geometric       each a quarter more than the one before, and the powers of two; at most a fifth
//                   unused above 80 bytes
//   fine            as the general heap: 16 apart up to 128, then 4, 8 and again 4 a doubling: 68
//                   classes, at most a fifth unused, from 1 KiB to 16 KiB a ninth
//
// The geometric family is the formula pow(1.25, floor(log(size) / log(1.25))) made correct: rounded
// up and not down, so that a class is never smaller than its request, and to a multiple of 16, so
// that its blocks are aligned. The powers of two are in every family, so that every alignment has a
// class: blocks are aligned to the largest power of two that divides their size.
//
// A lookup is a table for sizes up to 1 KiB, and beyond it a search through one doubling.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "ashlar/base/bits.hpp"
#include "ashlar/base/block.hpp"
#include "ashlar/base/units.hpp"

namespace ashlar {

enum class class_family : unsigned char { powers_of_two, geometric, fine };

class class_table {
 public:
  static constexpr std::size_t max_classes = 80;
  static constexpr std::size_t largest = 256_KiB;
  static constexpr std::size_t none = max_classes;

  constexpr std::size_t count() const { return count_; }
  constexpr std::size_t size_of(std::size_t c) const { return sizes_[c]; }
  constexpr std::size_t alignment_of(std::size_t c) const { return size_of(c) & (0 - size_of(c)); }

  /// Returns the smallest class that holds `size`. Requires: size <= largest.
  constexpr std::size_t class_of(std::size_t size) const {
    if (size <= small_limit) return small_[(size + 15) / 16];
    std::size_t c = doublings_[log2_floor(size - 1)];
    while (sizes_[c] < size) ++c;
    return c;
  }

  /// Returns the smallest class whose blocks hold `request` and are aligned as it says, or `none`.
  constexpr std::size_t class_of(layout request) const {
    if (request.size > largest || request.alignment > largest) return none;
    std::size_t c = class_of(request.size);
    while (c < count_ && !is_aligned(sizes_[c], request.alignment)) ++c;
    return c < count_ ? c : none;
  }

  consteval explicit class_table(class_family family) {
    switch (family) {
      case class_family::powers_of_two: add_powers_of_two(); break;
      case class_family::geometric: add_geometric(); break;
      case class_family::fine: add_fine(); break;
    }
    fill_lookups();
  }

 private:
  static constexpr std::size_t small_limit = 1_KiB;
  static constexpr std::size_t smallest = 16;

  constexpr void add(std::size_t size) {
    if (count_ == 0 || sizes_[count_ - 1] < size)
      sizes_[count_++] = static_cast<std::uint32_t>(size);
  }
  constexpr void add_powers_of_two() {
    for (std::size_t size = smallest; size <= largest; size *= 2) add(size);
  }
  constexpr void add_geometric() {
    std::size_t power = smallest;
    for (double exact = smallest; exact <= largest; exact *= 1.25) {
      const auto floor = static_cast<std::size_t>(exact);
      const std::size_t size = align_up(static_cast<double>(floor) < exact ? floor + 1 : floor, 16);
      for (; power <= size; power *= 2) add(power);
      add(size);
    }
    for (; power <= largest; power *= 2) add(power);
  }
  constexpr void add_fine() {
    for (std::size_t size = smallest; size <= largest;) {
      add(size);
      const std::size_t doubling = std::size_t{1} << log2_floor(size);
      size += size < 128 ? 16 : doubling / (size < 1_KiB || size >= 16_KiB ? 4 : 8);
    }
  }
  constexpr void fill_lookups() {
    std::size_t c = 0;
    for (std::size_t i = 0; i < small_.size(); ++i) {
      while (sizes_[c] < i * 16) ++c;
      small_[i] = static_cast<std::uint8_t>(c);
    }
    for (std::size_t d = 0; d < doublings_.size(); ++d) {
      for (c = 0; sizes_[c] <= std::size_t{1} << d; ++c) {
      }
      doublings_[d] = static_cast<std::uint8_t>(c);
    }
  }

  std::size_t count_ = 0;
  std::array<std::uint32_t, max_classes> sizes_{};
  std::array<std::uint8_t, small_limit / 16 + 1> small_{};
  std::array<std::uint8_t, 18> doublings_{};  // the first class above 2^d
};

/// The table of each family.
inline constexpr class_table class_tables[] = {class_table(class_family::powers_of_two),
                                               class_table(class_family::geometric),
                                               class_table(class_family::fine)};

}  // namespace ashlar
