// SPDX-License-Identifier: MIT
// Workload large_blocks: 20 live blocks of 256 KiB to 25 MiB, replaced at random, all written.
//
// Almost all time can be page faults: an allocator that unmaps each freed block pays for new zeroed
// pages in the next, one that keeps blocks forever wins time and loses memory.
// A bad allocator shows here: mmap and munmap for each block, address space that cannot be joined
// again, freed blocks that are kept although no later request fits them.
#include <array>

#include "table.hpp"

namespace bench {

void run_large_blocks(session& now) {
  constexpr std::size_t page = 4096;
  constexpr std::size_t smallest = std::size_t{256} << 10;
  constexpr std::size_t largest = std::size_t{25} << 20;
  random_numbers numbers(6);
  std::array<stamped, 20> live{};
  std::uint64_t sum = 0;
  const std::size_t steps = now.scaled(1500);
  for (std::size_t i = 0; i < steps; ++i) {
    stamped& victim = live[numbers.below(live.size())];
    sum += victim.drop();
    std::size_t size = numbers.log_uniform(18, 25);
    if (size > largest) size = smallest + size % (largest - smallest);
    victim = stamped::make(size, i);
    for (std::size_t at = page; at + page < size; at += page) {
      victim.data[at] = static_cast<char>(i);
    }
  }
  for (stamped& each : live) sum += each.drop();
  now.add(sum);
}

}  // namespace bench
