// SPDX-License-Identifier: MIT
#include "ashlar/observe/sampling.hpp"

#include <algorithm>
#include <bit>

namespace ashlar::observe {

namespace {

// Steele, Lea, Flood: SplitMix64.
std::uint64_t mix(std::uint64_t z) {
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

// 53 bits as a number from [0, 1).
double to_fraction(std::uint64_t bits) { return static_cast<double>(bits >> 11) * 0x1p-53; }

// Divisions take longer than all else here.
constexpr double one_by[] = {0,        1,        1.0 / 2,  1.0 / 3,  1.0 / 4,  1.0 / 5,
                             1.0 / 6,  1.0 / 7,  1.0 / 8,  1.0 / 9,  1.0 / 10, 1.0 / 11,
                             1.0 / 12, 1.0 / 13, 1.0 / 14, 1.0 / 15, 1.0 / 16, 1.0 / 17};

// 1 - exp(-x), by its series where that ends quickly, else from half of x.
double one_less_exp(double x) {
  if (x > 64) return 1;
  if (x > 0.25) {
    const double half = one_less_exp(x / 2);
    return half * (2 - half);
  }
  double sum = 0;
  for (int n = x < 0x1p-10 ? 4 : 11; n >= 1; --n) sum = x * one_by[n] * (1 - sum);
  return sum;
}

// The natural logarithm of x > 0: exponent times ln 2, and twice the area tangent of what is left,
// which lies in [2/3, 4/3).
double ln(double x) {
  const auto bits = std::bit_cast<std::uint64_t>(x);
  int exponent = static_cast<int>(bits >> 52 & 0x7ff) - 1023;
  double m = std::bit_cast<double>((bits & 0xfffffffffffff) | std::uint64_t{1023} << 52);
  if (m >= 4.0 / 3) {
    m /= 2;
    ++exponent;
  }
  const double z = (m - 1) / (m + 1);
  const double square = z * z;
  double sum = 0;
  for (int n = 17; n >= 1; n -= 2) sum = sum * square + one_by[n];
  return exponent * 0.693147180559945309417 + 2 * z * sum;
}

// 1 / (1 - exp(-x)). By its series, with Bernoulli's numbers, where x is small.
double one_by_chance(double x) {
  if (x > 0.25) return 1 / one_less_exp(x);
  const double square = x * x;
  const double rest = 1.0 / 12 - square * (1.0 / 720 - square * (1.0 / 30240 - square / 1209600));
  return 1 / x + 0.5 + x * rest;
}

}  // namespace

double sample_chance(std::size_t covered, std::size_t mean) noexcept {
  return one_less_exp(static_cast<double>(covered) / static_cast<double>(mean));
}

block_weight weigh(std::size_t size, std::size_t covered, std::size_t mean, rounding by) noexcept {
  const double weight = one_by_chance(static_cast<double>(covered) / static_cast<double>(mean));
  const double part = to_fraction(std::uint64_t{by.lot} << 59 | mix(by.key) >> 5);
  return {static_cast<std::uint64_t>(weight + part),
          static_cast<std::uint64_t>(weight * static_cast<double>(size) + part)};
}

void sample_points::start(std::size_t mean, std::size_t up_to, std::uint64_t seed) noexcept {
  *this = {};
  mean_ = mean;
  up_to_ = up_to;
  random_ = seed;
  pace_.allow(up_to, mean);
}

void sample_points::stir(std::uint64_t seed) noexcept { start(mean_, up_to_, random_ ^ seed); }

double sample_points::fraction() noexcept {
  random_ += 0x9e3779b97f4a7c15;
  return to_fraction(mix(random_));
}

// Gaps are exponential, so what lies behind a point does not depend on what lay before it.
void sample_points::draw_gap() noexcept {
  gap_ = static_cast<std::size_t>(
      std::min(-ln(1 - fraction()) * static_cast<double>(current_mean()), 0x1p62));
  gap_doublings_ = pace_.doublings();
  has_gap_ = true;
}

void sample_points::settle(std::uint64_t now) noexcept {
  pace_.run_off(now);
  if (has_gap_ && is_outdated(gap_doublings_)) draw_gap();
}

drawn sample_points::hits_next(std::size_t size) noexcept {
  if (!has_gap_) {
    draw_gap();
    if (size <= gap_) return hits(size);
  }
  const drawn hit = {true, gap_doublings_};
  draw_gap();
  return hit;
}

std::size_t sample_points::clear_blocks(std::size_t count, std::size_t size) noexcept {
  const double longer = 1 - fraction();  // the chance of a gap longer than this one
  if (longer < usual_chance && count * size <= usual_gap()) [[likely]]
    return count;
  const auto mean = static_cast<double>(current_mean());
  const double clear = -ln(longer) * mean / static_cast<double>(size);
  return clear < static_cast<double>(count) ? static_cast<std::size_t>(clear) : count;
}

}  // namespace ashlar::observe
