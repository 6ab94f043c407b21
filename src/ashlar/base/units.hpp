// SPDX-License-Identifier: MIT
// Byte units as literals: 64_KiB.
#pragma once

#include <cstddef>

namespace ashlar {

inline namespace literals {

constexpr std::size_t operator""_KiB(unsigned long long n) {
  return static_cast<std::size_t>(n) << 10;
}
constexpr std::size_t operator""_MiB(unsigned long long n) {
  return static_cast<std::size_t>(n) << 20;
}
constexpr std::size_t operator""_GiB(unsigned long long n) {
  return static_cast<std::size_t>(n) << 30;
}
constexpr std::size_t operator""_TiB(unsigned long long n) {
  return static_cast<std::size_t>(n) << 40;
}

}  // namespace literals

}  // namespace ashlar
