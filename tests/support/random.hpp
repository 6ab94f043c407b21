// SPDX-License-Identifier: MIT
// Random numbers for tests: one seed, one sequence, on every machine and with every library.
//
// xorshift64* after SplitMix64. std::mt19937 would do, but its distributions differ between
// libraries, and a failing seed must fail everywhere.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace ashlar::test {

/// Turns any number into one whose bits look random. Different inputs give different outputs.
constexpr std::uint64_t mixed(std::uint64_t n) {
  n += 0x9e3779b97f4a7c15;
  n = (n ^ (n >> 30)) * 0xbf58476d1ce4e5b9;
  n = (n ^ (n >> 27)) * 0x94d049bb133111eb;
  return n ^ (n >> 31);
}

class random_source {
 public:
  explicit random_source(std::uint64_t seed) : state_(mixed(seed) | 1) {}

  std::uint64_t next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545f4914f6cdd1d;
  }

  /// Returns a number below `limit`, which is not zero.
  std::size_t below(std::size_t limit) { return static_cast<std::size_t>((next() >> 8) % limit); }

  bool one_in(std::size_t n) { return below(n) == 0; }

  /// Returns a number from 1 to `limit`, every doubling being as likely as every other: what the
  /// sizes of real programs look like.
  std::size_t log_uniform(std::size_t limit) {
    const auto doublings = static_cast<std::size_t>(std::bit_width(limit));
    const std::size_t top = std::size_t{1} << below(doublings);
    const std::size_t n = top + below(top);
    return n > limit ? limit : n;
  }

 private:
  std::uint64_t state_;
};

}  // namespace ashlar::test
