// SPDX-License-Identifier: MIT
// clock_gettime as one number.
#include "ashlar/os/clock.hpp"

#include <time.h>

namespace ashlar::os {

namespace {

#if defined(CLOCK_MONOTONIC_COARSE)
constexpr clockid_t coarse_clock = CLOCK_MONOTONIC_COARSE;
#else
constexpr clockid_t coarse_clock = CLOCK_MONOTONIC;
#endif

std::uint64_t read_clock(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace

std::uint64_t monotonic_ns() noexcept { return read_clock(CLOCK_MONOTONIC); }

std::uint64_t coarse_ns() noexcept { return read_clock(coarse_clock); }

}  // namespace ashlar::os
