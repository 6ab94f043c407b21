// SPDX-License-Identifier: MIT
// The exact counters of reserved and committed bytes; see os/posix/choke_point.hpp.
#include "ashlar/os/posix/choke_point.hpp"

#include "ashlar/os/address_space.hpp"

namespace ashlar::os {

namespace detail {

constinit live_counters live;

void count_reserved(std::size_t bytes) noexcept {
  live.reserved.fetch_add(bytes, std::memory_order_relaxed);
}

void count_released(std::size_t bytes) noexcept {
  live.reserved.fetch_sub(bytes, std::memory_order_relaxed);
}

void count_committed(std::size_t bytes) noexcept {
  const std::size_t now = live.committed.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  std::size_t peak = live.peak_committed.load(std::memory_order_relaxed);
  while (peak < now &&
         !live.peak_committed.compare_exchange_weak(peak, now, std::memory_order_relaxed)) {
  }
}

void count_decommitted(std::size_t bytes) noexcept {
  live.committed.fetch_sub(bytes, std::memory_order_relaxed);
}

void count_discarded(std::size_t bytes) noexcept {
  live.discarded.fetch_add(bytes, std::memory_order_relaxed);
}

}  // namespace detail

os::counters current_counters() noexcept {
  constexpr auto relaxed = std::memory_order_relaxed;
  return {.reserved = detail::live.reserved.load(relaxed),
          .committed = detail::live.committed.load(relaxed),
          .peak_committed = detail::live.peak_committed.load(relaxed),
          .calls = detail::live.calls.load(relaxed),
          .discarded = detail::live.discarded.load(relaxed)};
}

}  // namespace ashlar::os
