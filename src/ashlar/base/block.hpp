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
  get_exact,    ///< The block's size is the size asked for.
  get_no_less,  ///< The block's size tells all usable bytes: what was asked for, or more.
};

/// How a block is to change.
struct resize {
  static constexpr std::size_t all = static_cast<std::size_t>(-1);

  std::size_t size = 0;    ///< the new size, in bytes
  std::size_t used = all;  ///< bytes at the start that a move must keep; `all`: as many as fit
  fit wanted = fit::get_exact;
  bool may_move = true;  ///< false: in place or not at all
  /// Usable bytes that the block may have at most where it stays: a manager that rounds sizes and
  /// records what was asked for refuses beyond it, for nobody else could take that back. Others
  /// need not look at it.
  std::size_t most = all;
};

}  // namespace ashlar
