// SPDX-License-Identifier: MIT
// Workload fragmentation: sizes shift from phase to phase while a few blocks of each phase survive.
//
// 20 phases allocate 24 MiB each in a window of sizes that moves up from 16 B to 32 KiB and starts
// again. The previous phase is freed in random order, except one block in 50 that lives to the end.
// The resident size is noted when only the survivors are left: the difference to their own bytes is
// what the holes cost.
// A bad allocator shows here: pages pinned by one survivor each, freed memory of one size class
// that the next cannot use, no return to the OS, so the end is as big as the peak.
#include <vector>

#include "table.hpp"

namespace bench {
namespace {

constexpr std::size_t phase_bytes = std::size_t{24} << 20;
constexpr std::size_t survivor_every = 50;

struct population {
  std::vector<stamped> passing;
  std::vector<stamped> survivors;
  std::size_t survivor_bytes = 0;
  std::uint64_t sum = 0;
};

void fill_phase(population& all, random_numbers& numbers, unsigned low) {
  std::size_t bytes = 0;
  while (bytes < phase_bytes) {
    stamped made = stamped::make(numbers.log_uniform(low, low + 2), bytes);
    std::memset(made.data + 8, 0x5a, made.size - 16);
    bytes += made.size;
    all.passing.push_back(made);
  }
}

/// Frees the first `count` of the passing blocks in random order, but for the survivors among them.
void end_phase(population& all, random_numbers& numbers, std::size_t count) {
  for (std::size_t i = count; i > 1; --i) {
    std::swap(all.passing[i - 1], all.passing[numbers.below(i)]);
  }
  for (std::size_t i = 0; i < count; ++i) {
    stamped& each = all.passing[i];
    if (i % survivor_every == 0) {
      all.survivors.push_back(each);
      all.survivor_bytes += each.size;
    } else {
      all.sum += each.drop();
    }
  }
  all.passing.erase(all.passing.begin(), all.passing.begin() + static_cast<std::ptrdiff_t>(count));
}

}  // namespace

void run_fragmentation(session& now) {
  random_numbers numbers(9);
  population all;
  const std::size_t phases = now.scaled(20);
  for (std::size_t phase = 0; phase < phases; ++phase) {
    const std::size_t before = all.passing.size();
    fill_phase(all, numbers, 4 + static_cast<unsigned>(phase % 10));
    end_phase(all, numbers, before);
  }
  end_phase(all, numbers, all.passing.size());
  all.passing = {};  // the list is ours, not a part of what the sizes left behind
  now.watch().pause();
  now.note_resident(all.survivor_bytes + all.survivors.capacity() * sizeof(stamped));
  now.watch().resume();
  for (stamped& each : all.survivors) all.sum += each.drop();
  now.add(all.sum);
}

}  // namespace bench
