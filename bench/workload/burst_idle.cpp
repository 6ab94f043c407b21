// SPDX-License-Identifier: MIT
// Workload burst_idle: 220 MiB of mixed blocks come and go, then the program idles along.
//
// Four bursts of blocks of 16 B to 256 KiB, written in full and freed in random order. After each,
// the program ticks: it sleeps 50 ms and makes a handful of small blocks, 2 s long after the last
// burst. Sleeping does not count as time; the resident size is noted at the end of the last idling.
// A bad allocator shows here: it gives nothing back (RSS stays at the peak), or gives it back so
// eagerly that the next burst pays all page faults again.
#include <chrono>
#include <thread>
#include <vector>

#include "table.hpp"

namespace bench {
namespace {

constexpr std::size_t burst_bytes = std::size_t{220} << 20;
constexpr auto tick = std::chrono::milliseconds(50);

void burst(session& now, random_numbers& numbers) {
  std::vector<stamped> blocks;
  std::size_t bytes = 0;
  const std::size_t target = now.scaled(burst_bytes);
  while (bytes < target) {
    stamped made = stamped::make(numbers.log_uniform(4, 18), bytes);
    std::memset(made.data + 8, 0x3c, made.size - 16);
    bytes += made.size;
    blocks.push_back(made);
  }
  std::uint64_t sum = 0;
  for (std::size_t i = blocks.size(); i > 0; --i) {
    std::swap(blocks[i - 1], blocks[numbers.below(i)]);
    sum += blocks[i - 1].drop();
  }
  now.add(sum);
}

void idle(session& now, random_numbers& numbers, std::size_t ticks) {
  for (std::size_t i = 0; i < ticks; ++i) {
    now.watch().pause();
    std::this_thread::sleep_for(tick);
    now.watch().resume();
    for (std::size_t j = 0; j < 20; ++j) {
      stamped made = stamped::make(numbers.log_uniform(4, 12), j);
      now.add(made.drop());
    }
  }
}

}  // namespace

void run_burst_idle(session& now) {
  random_numbers numbers(10);
  for (int again = 0; again < 3; ++again) {
    burst(now, numbers);
    idle(now, numbers, 6);
  }
  burst(now, numbers);
  idle(now, numbers, 40);
  now.watch().pause();
  now.note_resident(0);
  now.watch().resume();
}

}  // namespace bench
