// SPDX-License-Identifier: MIT
// One bit for each of a few thousand blocks of a slab, on the stack of whoever looks at them all.
#pragma once

#include <cstdint>

namespace ashlar::detail {

/// One bit for each block from number `first` on.
class block_window {
 public:
  static constexpr std::uint32_t size = 4096;

  explicit block_window(std::uint32_t first) : first_(first) {}
  bool covers(std::uint32_t index) const { return index - first_ < size; }
  bool test(std::uint32_t index) const { return (word(index) >> (index % 64) & 1) != 0; }
  void set(std::uint32_t index) {
    bits_[(index - first_) / 64] |= std::uint64_t{1} << (index % 64);
  }

 private:
  std::uint64_t word(std::uint32_t index) const { return bits_[(index - first_) / 64]; }

  std::uint32_t first_;
  std::uint64_t bits_[size / 64] = {};
};

}  // namespace ashlar::detail
