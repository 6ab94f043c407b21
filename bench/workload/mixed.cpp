// SPDX-License-Identifier: MIT
// Workload mixed: one thread replaces random blocks of 8 B to 32 KiB in a live set of 100,000.
//
// Sizes are log-uniform, so all size classes are in use at once and about 390 MB are asked for. The
// victim of each step is random: its line and its page are seldom in a cache.
// A bad allocator shows here: a cliff at the end of its small classes, searches that grow with the
// number of live blocks, a second cache miss for a header or map entry, wide classes that waste
// memory.
#include <vector>

#include "table.hpp"

namespace bench {

void run_mixed(session& now) {
  constexpr std::size_t live_blocks = 100'000;
  random_numbers numbers(2);
  std::vector<stamped> live(live_blocks);
  std::uint64_t sum = 0;
  for (stamped& each : live) each = stamped::make(numbers.log_uniform(3, 15), numbers.next());
  const std::size_t steps = now.scaled(3'000'000);
  for (std::size_t i = 0; i < steps; ++i) {
    stamped& victim = live[numbers.below(live_blocks)];
    sum += victim.drop();
    victim = stamped::make(numbers.log_uniform(3, 15), i);
  }
  for (stamped& each : live) sum += each.drop();
  now.add(sum);
}

}  // namespace bench
