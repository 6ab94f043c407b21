// SPDX-License-Identifier: MIT
#include "ashlar/heap/sampling_bins.hpp"

#include <algorithm>

#include "ashlar/heap/local_heap.hpp"
#include "ashlar/os/entropy.hpp"

namespace ashlar {

local_heap& sampling_bins::own() noexcept {
  return *reinterpret_cast<local_heap*>(reinterpret_cast<std::byte*>(this) + front_distance);
}

void sampling_bins::start(std::size_t mean) noexcept {
  std::uint64_t seed = 0;
  (void)os::fill_random(&seed, sizeof seed);
  points_.start(mean, seed ^ address_of(this));
  for (bin& b : bins) b = {};
  for (std::uint32_t& each : later_) each = not_drawn;
  tag = own().tag ^ front_distance;
  state = local_state::sampling;
}

void sampling_bins::set_left(size_class c, std::uint32_t pops) noexcept {
  // Blocks of medium classes are not in bins alone: malloc takes the slow path for them anyhow.
  constexpr std::uint32_t most = 1023;
  const std::uint32_t now = c < small_class_count ? std::min(pops, most) : 0;
  bins[c].pops_left = static_cast<std::uint16_t>(now);
  later_[c] = pops - now;
}

void sampling_bins::draw(size_class c) noexcept {
  constexpr std::uint64_t most = not_drawn - 1;
  const std::uint64_t pops = points_.gap() / size_classes[c].block_size;
  set_left(c, static_cast<std::uint32_t>(std::min(pops, most)));
}

bool sampling_bins::is_due(size_class c) noexcept {
  if (later_[c] == not_drawn) draw(c);
  const std::uint32_t left = bins[c].pops_left + later_[c];
  if (left != 0) {
    set_left(c, left - 1);
    return false;
  }
  draw(c);
  return true;
}

void sampling_bins::draw_anew() noexcept {
  std::uint64_t seed = 0;
  (void)os::fill_random(&seed, sizeof seed);
  points_.stir(seed);
  for (bin& b : bins) b.pops_left = 0;
  for (std::uint32_t& each : later_) each = not_drawn;
}

}  // namespace ashlar
