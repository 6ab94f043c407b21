// SPDX-License-Identifier: MIT
#include "tools/ashlar/report/units.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <iterator>

namespace ashlar::tool {

namespace {

constexpr scale iec_scales[] = {{1, "B", 0},
                                {1ULL << 10, "KiB", 0},
                                {1ULL << 20, "MiB", 1},
                                {1ULL << 30, "GiB", 2},
                                {1ULL << 40, "TiB", 2}};
constexpr scale si_scales[] = {{1, "B", 0},
                               {1'000, "kB", 0},
                               {1'000'000, "MB", 1},
                               {1'000'000'000, "GB", 2},
                               {1'000'000'000'000, "TB", 2}};

std::uint64_t power_of_ten(int exponent) {
  std::uint64_t power = 1;
  for (; exponent > 0; --exponent) power *= 10;
  return power;
}

/// Returns the largest unit that is not larger than `bytes`.
scale largest_scale(std::uint64_t bytes, unit_system units) {
  if (units == unit_system::bytes) return iec_scales[0];
  const auto& scales = units == unit_system::si ? si_scales : iec_scales;
  scale picked = scales[0];
  for (const scale& candidate : scales)
    if (bytes >= candidate.divisor) picked = candidate;
  return picked;
}

}  // namespace

scale pick_scale(std::uint64_t largest, unit_system units) {
  return largest_scale(largest / 10, units);
}

double in_last_digits(double bytes, const scale& unit) {
  const auto digits = static_cast<double>(power_of_ten(unit.decimals));
  return bytes * digits / static_cast<double>(unit.divisor);
}

std::string format_last_digits(std::int64_t count, const scale& unit) {
  const std::uint64_t fraction_range = power_of_ten(unit.decimals);
  const auto magnitude = static_cast<std::uint64_t>(std::llabs(count));
  std::string text = count < 0 ? "-" : "";
  text += group_digits(magnitude / fraction_range);
  if (unit.decimals > 0) text += fmt::format(".{:0{}}", magnitude % fraction_range, unit.decimals);
  return text;
}

std::string format_scaled(std::uint64_t bytes, const scale& unit) {
  return format_last_digits(std::llround(in_last_digits(static_cast<double>(bytes), unit)), unit);
}

std::string format_size(std::uint64_t bytes, unit_system units) {
  const scale unit = bytes < 10'000 ? iec_scales[0] : largest_scale(bytes, units);
  return format_scaled(bytes, unit) + " " + unit.name;
}

std::string format_round_size(std::uint64_t bytes) {
  scale unit = iec_scales[0];
  for (const scale& candidate : iec_scales)
    if (bytes >= candidate.divisor && bytes % candidate.divisor == 0) unit = candidate;
  return group_digits(bytes / unit.divisor) + " " + unit.name;
}

std::string group_digits(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (auto place = static_cast<std::ptrdiff_t>(digits.size()) - 3; place > 0; place -= 3)
    digits.insert(static_cast<std::size_t>(place), 1, ' ');
  return digits;
}

std::string format_duration(std::uint64_t nanoseconds) {
  const double seconds = static_cast<double>(nanoseconds) * 1e-9;
  if (seconds < 0.01) return fmt::format("{:.1f} ms", seconds * 1e3);
  if (seconds < 0.9995) return fmt::format("{:.0f} ms", seconds * 1e3);
  if (seconds < 9.995) return fmt::format("{:.2f} s", seconds);
  if (seconds < 119.95) return fmt::format("{:.1f} s", seconds);
  const std::uint64_t whole = nanoseconds / 1'000'000'000;
  if (whole < 7200) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", group_digits(whole / 3600), whole / 60 % 60);
}

std::string format_percent(double part, double whole) {
  if (whole <= 0) return "-";
  const double percent = 100 * part / whole;
  if (percent > 0 && percent < 1) return "<1%";
  if (percent > 99 && percent < 100) return ">99%";
  return fmt::format("{:.0f}%", percent);
}

}  // namespace ashlar::tool
