// SPDX-License-Identifier: MIT
#include "ashlar/heap/sampling_bins.hpp"

#include <algorithm>

#include "ashlar/os/clock.hpp"
#include "ashlar/os/entropy.hpp"

namespace ashlar {

void sampling_bins::start_sampling(std::size_t mean, std::size_t up_to) noexcept {
  if (sampled.state == local_state::sampling && points_.are_for(mean, up_to)) {
    if (is_hasty()) slow_down(os::coarse_ns());  // it may have lain idle since
    return;
  }
  std::uint64_t seed = 0;
  (void)os::fill_random(&seed, sizeof seed);
  points_.start(mean, up_to, seed ^ address_of(this));
  forget_points();
  sampled.tag = tag ^ sampled_distance;
  // release: in the child of a fork in the middle of this, whoever sees the state sees all of it.
  store_release(sampled.state, local_state::sampling);
}

void sampling_bins::forget_points() noexcept {
  for (bin& b : bins) b.pops_left = 0;
  for (outlook& each : outlook_) each = outlook::unseen;
  most_doublings_ = 0;
}

// Looks at the next stretch of a class.
void sampling_bins::draw(size_class c) noexcept {
  const std::size_t size = size_classes[c].block_size;
  const std::size_t stretch =
      outlook_[c] == outlook::unseen
          ? std::clamp(points_.usual_gap() / size, shortest_stretch, longest_stretch)
          : longest_stretch;
  const std::size_t clear = points_.clear_blocks(stretch, size);
  bins[c].pops_left = static_cast<std::uint16_t>(clear);
  outlook_[c] = clear < stretch ? outlook::due : outlook::open;
  doublings_[c] = points_.doublings();
  most_doublings_ = std::max(most_doublings_, doublings_[c]);
  asked_ = looks_apart - 1;
}

void sampling_bins::slow_down(std::uint64_t now) noexcept {
  points_.settle(now);
  if (points_.is_outdated(most_doublings_))
    forget_points();
  else if (points_.doublings() == 0)
    most_doublings_ = most_doublings_ahead();
}

std::uint8_t sampling_bins::most_doublings_ahead() const noexcept {
  std::uint8_t most = 0;
  for (size_class c = 0; c < class_count; ++c)
    if (bins[c].pops_left != 0 || outlook_[c] == outlook::due) most = std::max(most, doublings_[c]);
  return most;
}

observe::drawn sampling_bins::is_due(size_class c) noexcept {
  if (passes(c)) return {};
  if (outlook_[c] != outlook::due) draw(c);
  if (passes(c)) return {};
  outlook_[c] = outlook::open;
  return {true, doublings_[c]};
}

void sampling_bins::draw_anew(std::uint64_t seed) noexcept {
  points_.stir(seed ^ address_of(this));
  forget_points();
}

}  // namespace ashlar
