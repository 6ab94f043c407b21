// SPDX-License-Identifier: MIT
#include "ashlar/observe/sample_pace.hpp"

#include <algorithm>

namespace ashlar::observe {

namespace {

// What a 64th of a second allows, and no less than these: at the standard settings the first 16
// MiB.
constexpr double burst_ns = 1e9 / 64;
constexpr double least_burst = 32;
constexpr double steps_per_burst = 4;

// The largest mean that there may be: doubled, it must fit.
constexpr std::size_t most_mean = std::size_t{1} << 62;

}  // namespace

void sample_pace::allow(std::size_t up_to, std::size_t mean) noexcept {
  *this = {};
  if (mean == 0 || mean > most_mean >> most_doublings) return;
  per_ns_ = static_cast<double>(up_to) / static_cast<double>(mean) / 1e9;
  burst_ = std::max(least_burst, burst_ns * per_ns_);
}

void sample_pace::fill(double samples, std::uint64_t now) noexcept {
  // The coarse clock lags behind the other: it has not gone backwards.
  const double run_off = now > latest_ ? static_cast<double>(now - latest_) * per_ns_ : 0;
  latest_ = std::max(latest_, now);
  const double step = burst_ / steps_per_burst;
  fill_ = std::clamp(fill_ - run_off, 0.0, burst_ + step * most_doublings - samples) + samples;
  const double beyond = (fill_ - burst_) / step;
  doublings_ = beyond <= 0 ? 0 : std::min(static_cast<std::uint8_t>(beyond + 1), most_doublings);
}

void sample_pace::take(std::uint64_t now) noexcept {
  if (!is_endless()) fill(1, now);
}

void sample_pace::run_off(std::uint64_t now) noexcept {
  if (!is_endless()) fill(0, now);
}

}  // namespace ashlar::observe
