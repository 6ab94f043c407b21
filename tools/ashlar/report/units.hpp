// SPDX-License-Identifier: MIT
// Numbers as people read them: sizes, counts, shares and durations.
//
// A table or a sum uses one scale for all its numbers, so that the eye can compare them; a scale is
// picked from the largest number. Thousands are set apart by a space.
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <string>

namespace ashlar::tool {

enum class unit_system { iec, si, bytes };

/// How sizes are written: in multiples of `divisor` bytes, with `decimals` digits after the point.
struct scale {
  std::uint64_t divisor = 1;
  const char* name = "B";
  int decimals = 0;
};

/// Returns the scale for numbers of up to `largest` bytes: the largest unit of which it holds ten,
/// so that two digits at least stand for the largest number.
scale pick_scale(std::uint64_t largest, unit_system units);

/// Returns how often the last digit shown fits in `bytes`, not rounded.
double in_last_digits(double bytes, const scale& unit);

/// Writes a number counted in last digits: 14540 with one decimal is "1 454.0".
std::string format_last_digits(std::int64_t count, const scale& unit);

/// Writes `bytes` in `unit`, without the name of the unit.
std::string format_scaled(std::uint64_t bytes, const scale& unit);

/// Writes one size that stands alone: "1.42 GiB", "18.0 MiB", "381 KiB", "8 192 B".
std::string format_size(std::uint64_t bytes, unit_system units);

/// Writes a round size as it is called: "64 KiB", never in decimals.
std::string format_round_size(std::uint64_t bytes);

/// Writes 1103517 as "1 103 517".
std::string group_digits(std::uint64_t number);

std::string format_duration(std::uint64_t nanoseconds);

/// Writes a share in whole percent, "81%"; "<1%" and ">99%" rather than a false 0 or 100.
std::string format_percent(double part, double whole);

}  // namespace ashlar::tool
