// SPDX-License-Identifier: MIT
// What a program asked of malloc, as recorded (calls with addresses) and as replayed (steps with
// numbers of blocks).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace bench {

enum class call_kind : std::uint64_t { allocate, reallocate, free };

/// One call, as it stands in the file of a recorder.
struct call_record {
  call_kind kind;
  std::uint64_t size;
  std::uint64_t before;  // the address given
  std::uint64_t after;   // the address returned
};

/// One call of a replay.
struct step {
  call_kind kind;
  std::uint32_t block;  // numbers are used again after a free
  std::size_t size;
};

struct trace {
  std::string name;
  std::vector<step> steps;
  std::size_t block_numbers = 0;  // one more than the highest
  bool is_made = false;           // by `shifting_sizes`, not recorded
};

/// Reads the file of a recorder. Empty if it cannot be read.
trace read_trace(const std::string& path, const std::string& name);

enum class ending_order : std::uint8_t { oldest_first, random };

/// Returns a workload whose sizes shift from phase to phase, in a window that moves from 16 B to
/// 32 KiB and starts again: multiples of 8, as those of all types that are aligned to 8. The blocks
/// of a phase end while the next phase begins; in random order, one in `survivor_every` stays to
/// the end (0: none).
trace shifting_sizes(ending_order order, std::size_t survivor_every = 0);

}  // namespace bench
