// SPDX-License-Identifier: MIT
// The arithmetic of ranges and alignments, in units. A part of the sources of the offset manager.
#pragma once

#include <cstdint>

#include "ashlar/manager/offset/offset_bins.hpp"
#include "ashlar/manager/offset/offset_image.hpp"

namespace ashlar::offset_arithmetic {

// Not std::has_single_bit, which counts bits, by a call where the processor is not known to.
constexpr bool is_valid(std::uint64_t alignment) {
  return alignment != 0 && (alignment & (alignment - 1)) == 0 &&
         alignment <= offset_bins::max_units;
}

constexpr std::uint64_t round_up(std::uint64_t n, std::uint64_t alignment) {
  return (n + alignment - 1) & ~(alignment - 1);
}

// How many units a request could have in a free range at most.
constexpr std::uint64_t room_in(std::uint64_t offset, std::uint64_t units,
                                std::uint64_t alignment) {
  const std::uint64_t gap = round_up(offset, alignment) - offset;
  return gap < units ? units - gap : 0;
}
constexpr std::uint64_t room_in(const offset_record& r, std::uint64_t alignment) {
  return room_in(r.offset, r.units, alignment);
}

}  // namespace ashlar::offset_arithmetic
