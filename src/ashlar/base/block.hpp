// SPDX-License-Identifier: MIT
// The vocabulary of allocation: what is asked for (layout), what is handed out (block).
#pragma once

#include <cstddef>

#include "ashlar/base/bits.hpp"

namespace ashlar {

/// What every allocation is aligned to when nobody says otherwise.
inline constexpr std::size_t default_alignment = alignof(std::max_align_t);

/// The largest size that any manager serves: what `ptrdiff_t` can measure.
inline constexpr std::size_t max_size = static_cast<std::size_t>(-1) >> 1;

/// A request: `size` bytes at a multiple of `alignment` (a power of two).
struct layout {
  std::size_t size = 0;
  std::size_t alignment = default_alignment;

  constexpr bool is_valid() const { return is_power_of_two(alignment) && size <= max_size; }
};

/// One piece of memory handed to a caller. Empty when `data` is null.
struct block {
  void* data = nullptr;
  std::size_t size = 0;

  constexpr explicit operator bool() const { return data != nullptr; }
};

/// How the size of an allocation may differ from the size asked for.
enum class fit : unsigned char {
  exact,    ///< The caller will use just the bytes asked for.
  no_less,  ///< The caller can use more: the block's size tells all usable bytes.
};

}  // namespace ashlar
