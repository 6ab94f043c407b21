// SPDX-License-Identifier: MIT
// What every benchmark workload shares: settings, deterministic numbers, stamped blocks, a result.
//
// A workload is one function that takes a `session`. It calls plain malloc and free, so the
// allocator comes from outside (LD_PRELOAD). Three rules keep a comparison honest:
//   1. The same calls for every allocator: numbers come from `random_numbers` with a fixed seed,
//      and no decision depends on an address, on time or on which thread was faster.
//   2. Contents are checked: the first and last word of a block carry a stamp that is compared
//      before the block is freed, so overlapping memory makes an allocator fail instead of win.
//   3. The checksum is a sum, hence independent of the order in which threads add to it.
// Threads: any thread may call `session::add`; the rest belongs to the thread of the workload.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace bench {

/// The amount of work: `scale` multiplies the number of steps, `threads` the number of workers.
struct settings {
  double scale = 1.0;
  unsigned threads = 2;
};

/// Ends the program with a message that the runner shows: what went wrong has no result.
[[noreturn]] inline void fail(const char* what) {
  std::fprintf(stderr, "ashlar-workloads: %s\n", what);
  std::_Exit(3);
}

/// Numbers that are the same in every run (splitmix64, S. Vigna, public domain algorithm).
class random_numbers {
 public:
  explicit random_numbers(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15U + 1) {}

  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }

  /// Returns a number below `bound`, which fits 32 bits: a multiplication instead of a division.
  std::size_t below(std::size_t bound) { return ((next() >> 32) * bound) >> 32; }

  /// Returns a size in [2^low, 2^high) whose logarithm is even: as many of 8..16 as of 8..16 KiB.
  std::size_t log_uniform(unsigned low, unsigned high) {
    const std::uint64_t number = next();
    const unsigned power = low + static_cast<unsigned>(((number >> 32) * (high - low)) >> 32);
    const std::uint64_t base = std::uint64_t{1} << power;
    return base + (number & (base - 1));
  }

 private:
  std::uint64_t state_;
};

/// Time that counts; a workload pauses it while it sleeps.
class stopwatch {
 public:
  using clock = std::chrono::steady_clock;

  void resume() { start_ = clock::now(); }
  void pause() { seconds_ += std::chrono::duration<double>(clock::now() - start_).count(); }
  double seconds() const { return seconds_; }

 private:
  clock::time_point start_{};
  double seconds_ = 0;
};

/// One run of one workload: what to do, and what came of it.
class session {
 public:
  explicit session(settings with) : with_(with) {}

  unsigned threads() const { return with_.threads; }

  /// Returns `count` times the scale, at least one.
  std::size_t scaled(std::size_t count) const {
    const double steps = static_cast<double>(count) * with_.scale;
    return steps < 1 ? 1 : static_cast<std::size_t>(steps);
  }

  void add(std::uint64_t value) { checksum_.fetch_add(value, std::memory_order_relaxed); }
  std::uint64_t checksum() const { return checksum_.load(std::memory_order_relaxed); }

  stopwatch& watch() { return watch_; }

  /// Notes the resident size at the workload's quiet point, beside the bytes still asked for.
  void note_resident(std::size_t live_bytes);
  long left_kib() const { return left_kib_; }
  std::size_t live_bytes() const { return live_bytes_; }

 private:
  settings with_;
  stopwatch watch_;
  std::atomic<std::uint64_t> checksum_{0};
  long left_kib_ = -1;  // -1: this workload has no quiet point
  std::size_t live_bytes_ = 0;
};

/// Returns a field such as "VmHWM" of /proc/self/status in KiB, or -1.
long status_kib(const char* field);

inline void session::note_resident(std::size_t live_bytes) {
  left_kib_ = status_kib("VmRSS");
  live_bytes_ = live_bytes;
}

/// malloc that ends the program when there is no memory.
inline char* allocate(std::size_t size) {
  void* block = std::malloc(size);
  if (block == nullptr) fail("malloc returned null");
  return static_cast<char*>(block);
}

/// Writes `value` to the first word and, in blocks of two words or more, to the last. `size` >= 8.
inline void stamp(char* block, std::size_t size, std::uint64_t value) {
  std::memcpy(block, &value, sizeof value);
  if (size >= 2 * sizeof value) std::memcpy(block + size - sizeof value, &value, sizeof value);
}

/// Compares what `stamp` wrote, and returns the value for the checksum.
inline std::uint64_t verify(const char* block, std::size_t size, std::uint64_t value) {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::memcpy(&first, block, sizeof first);
  last = first;
  if (size >= 2 * sizeof value) std::memcpy(&last, block + size - sizeof last, sizeof last);
  if (first != value || last != value) fail("a block lost its contents");
  return value;
}

/// A block, the size it was asked for and a mark; its stamp is made of the last two.
struct stamped {
  char* data = nullptr;
  std::uint32_t size = 0;
  std::uint32_t mark = 0;

  std::uint64_t value() const { return (std::uint64_t{mark} << 32) | size; }

  static stamped make(std::size_t size, std::uint64_t mark) {
    stamped made{allocate(size), static_cast<std::uint32_t>(size),
                 static_cast<std::uint32_t>(mark)};
    stamp(made.data, size, made.value());
    return made;
  }

  /// Checks and frees the block; returns its part of the checksum, 0 when there is none.
  std::uint64_t drop() {
    if (data == nullptr) return 0;
    const std::uint64_t sum = verify(data, size, value());
    std::free(data);
    data = nullptr;
    return sum;
  }
};

}  // namespace bench
