// SPDX-License-Identifier: MIT
// A table that only grows and never moves: address space for all of it is reserved at its first
// growth, pages are committed in steps as it fills.
//
// Under `ulimit -v` a table has room for fewer entries.
// For the observer's own records, which must not come from the heap that they describe.
// Threads: one grows at a time (the caller's lock); whoever learned of an entry through an acquire
// may read it without a lock. An entry reads as zero when it is new.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/base/bits.hpp"
#include "ashlar/base/relaxed.hpp"
#include "ashlar/base/units.hpp"
#include "ashlar/os/address_space.hpp"

namespace ashlar::observe {

/// The memory of a table, in bytes.
class growing_space {
 public:
  constexpr explicit growing_space(std::size_t most) : most_(most) {}
  growing_space(const growing_space&) = delete;
  growing_space& operator=(const growing_space&) = delete;

  /// Makes the first `bytes` usable. Errors: returns false if there is no memory or no room left;
  /// what was usable stays so.
  bool ensure(std::size_t bytes) noexcept;

  std::byte* data() const { return load_relaxed(base_); }
  /// Bytes that take part in the commit charge: what the observer costs.
  std::size_t committed() const { return load_relaxed(committed_); }

  /// The address space of the whole table; empty before its first growth.
  os::range reserved() const;

  /// Gives all of it back.
  void release() noexcept;

 private:
  static constexpr std::size_t step = 64_KiB;

  std::size_t most_;
  std::byte* base_ = nullptr;
  std::size_t committed_ = 0;
};

/// A table of at most `Most` entries of type `T`, which must be valid as zero bytes.
template <class T, std::size_t Most>
class growing_table {
 public:
  static_assert(alignof(T) <= 4_KiB, "a table begins at a page");

  constexpr growing_table() : space_(Most * sizeof(T)) {}

  bool ensure(std::size_t entries) noexcept {
    return entries <= Most && space_.ensure(entries * sizeof(T));
  }
  /// Requires: `ensure` has covered `index`.
  T& operator[](std::size_t index) const { return reinterpret_cast<T*>(space_.data())[index]; }
  std::size_t committed() const { return space_.committed(); }
  os::range reserved() const { return space_.reserved(); }
  void release() noexcept { space_.release(); }

 private:
  growing_space space_;
};

}  // namespace ashlar::observe
