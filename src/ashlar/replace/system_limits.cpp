// SPDX-License-Identifier: MIT
#include "ashlar/replace/system_limits.hpp"

#include "ashlar/os/process.hpp"
#include "ashlar/replace/debug/guarded_heap.hpp"
#include "ashlar/replace/process_heap.hpp"

namespace ashlar::replace {

heap_limits system_limits(const options& o) noexcept {
  heap_limits limits;
  limits.soft = o.soft_limit;
  limits.hard = o.hard_limit;
  if (o.cgroup && limits.soft == heap_limits::none) {
    const os::memory_limits group = os::control_group_memory_limits();
    const std::size_t least = group.soft < group.hard ? group.soft : group.hard;
    if (least != os::no_limit) limits.soft = least / 10 * 9;
  }
  limits.above_soft = [](void*, std::size_t) {
    (void)process_heap.trim();
    if (observe::process_tracker().level() != observe::track_level::off) (void)watched_heap.trim();
  };
  limits.at_hard = [](void*, std::size_t, std::size_t) { return empty_quarantine(); };
  return limits;
}

}  // namespace ashlar::replace
