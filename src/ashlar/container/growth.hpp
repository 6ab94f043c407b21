// SPDX-License-Identifier: MIT
// Growth policies: how large a block becomes when its elements no longer fit.
//
// A policy is a type with `static constexpr std::size_t grown(std::size_t size)`, in bytes: the
// size wanted after `size`. What is too little is raised to what is needed, and what the manager
// then gives beyond it (get_no_less) is used as well, so a policy need not round.
//
//     struct by_a_page {   // for a list that is appended to now and then
//       static constexpr std::size_t grown(std::size_t size) { return size + 4096; }
//     };
//     ashlar::vector<entry, by_a_page> log;
//     ashlar::vector<entry, ashlar::inverse_size<>> many;
#pragma once

#include <concepts>
#include <cstddef>

#include "ashlar/base/block.hpp"
#include "ashlar/base/units.hpp"

namespace ashlar {

template <class G>
concept growth_policy = requires(std::size_t size) {
  { G::grown(size) } -> std::same_as<std::size_t>;
};

/// Twice the size each time: the fewest moves, up to half of the block unused.
struct always_double {
  static constexpr std::size_t grown(std::size_t size) {
    return size > max_size / 2 ? max_size : 2 * size;
  }
};

/// The bigger the size, the smaller the factor: doubles up to `Knee` bytes, then grows by `Knee`
/// bytes (+50 % at twice the knee, +25 % at four times), but never by less than `MinPercent`, which
/// bounds the moves of an element on average by 100 / MinPercent.
template <std::size_t Knee = 64_KiB, std::size_t MinPercent = 12>
struct inverse_size {
  static_assert(Knee > 0 && MinPercent > 0 && MinPercent <= 100);

  static constexpr std::size_t grown(std::size_t size) {
    if (size <= Knee) return always_double::grown(size);
    const std::size_t least = size / 100 * MinPercent;
    const std::size_t step = least > Knee ? least : Knee;
    return size > max_size - step ? max_size : size + step;
  }
};

}  // namespace ashlar
